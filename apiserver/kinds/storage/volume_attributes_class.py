"""VolumeAttributesClass: what volumes of it perform like. Source: kubernetes/pkg/apis/storage/validation."""

from apiserver.kinds import columns
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.storage.storage_class import validate_parameters, validate_provisioner
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path


def validate(obj: Object) -> ErrorList:
    errors = validate_provisioner(obj.get("driverName", ""), Path("driverName"))
    return errors + validate_parameters(obj.get("parameters") or {}, Path("parameters"), may_be_empty=False)


def validate_update(new: Object, old: Object) -> ErrorList:
    changed = [name for name in ("driverName", "parameters") if (new.get(name) or None) != (old.get(name) or None)]
    return [field.forbidden(Path(name), f"updates to {name} are forbidden.") for name in changed]


_TYPE = "storage.v1.VolumeAttributesClass"
VOLUME_ATTRIBUTES_CLASS = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    short_names=("vac",),
    namespaced=False,
    schema=schema(_TYPE),
    validate=validate,
    validate_update=validate_update,
    returns_deleted=True,
    columns=(columns.NAME, columns.shown("DriverName", _TYPE, "driverName"), columns.AGE),
)
