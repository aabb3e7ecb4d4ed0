"""ControllerRevision: a former template of a StatefulSet or DaemonSet."""

from apiserver.kinds import columns
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.workload import IMMUTABLE
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

DATA = Path("data")


def validate(obj: Object) -> ErrorList:
    errors = validate_not_negative(obj.get("revision"), Path("revision"))
    return errors if obj.get("data") is not None else [*errors, field.required(DATA, "data is mandatory")]


def validate_update(new: Object, old: Object) -> ErrorList:
    now = new.get("data")
    return [] if now == old.get("data") else [field.invalid(DATA, now, IMMUTABLE)]


def _controller(obj: Object) -> str:
    """`statefulset.apps/db`"""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            group = owner["apiVersion"].rpartition("/")[0]
            return f"{owner['kind'].lower()}{'.' if group else ''}{group}/{owner['name']}"
    return columns.NONE


_TYPE = "apps.v1.ControllerRevision"
CONTROLLER_REVISION = Kind(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    schema=schema(_TYPE),
    validate=validate,
    validate_update=validate_update,
    columns=(
        columns.NAME,
        Column("Controller", "string", "Controller of the object", _controller),
        columns.shown("Revision", _TYPE, "revision", missing=0),
        columns.AGE,
    ),
)
