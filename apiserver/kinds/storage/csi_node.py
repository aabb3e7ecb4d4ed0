"""CSINode: the storage drivers of a node. Source: kubernetes/pkg/apis/storage/validation."""

from apiserver.kinds import columns, names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.workload import IMMUTABLE, SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

DRIVERS = SPEC.child("drivers")
MOST_ID = 192


def validate(obj: Object) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate(_drivers(obj)):
        path, name = DRIVERS.index(position), each.get("name", "")
        errors += names.driver(name, path.child("name")) + _id(each.get("nodeID", ""), path.child("nodeID"))
        count = (each.get("allocatable") or {}).get("count")
        errors += validate_not_negative(count, path.child("allocatable", "count"))
        if name in seen:
            errors.append(field.duplicate(path.child("name"), name))
        seen.add(name)
        errors += _keys(each.get("topologyKeys") or [], path)
    return errors


def _drivers(obj: Object) -> list[Object]:
    return spec_of(obj).get("drivers") or []


def _id(name: str, path: Path) -> ErrorList:
    if not name:
        return [field.required(path)]
    return [field.invalid(path, name, f"must be {MOST_ID} characters or less")] if len(name) > MOST_ID else []


def _keys(keys: list[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, key in enumerate(keys):
        if not key:
            errors.append(field.required(path))
        if key in keys[:position]:
            errors.append(field.duplicate(path, key))
        errors += names.each(path, key, names.qualified(key))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    """A driver may come and go, and count anew how many volumes the node takes; the rest of it stays."""
    before = {each.get("name"): each for each in _drivers(old)}
    return [
        field.invalid(DRIVERS, internal(_fixed(each), "storage.v1.CSINodeDriver"), IMMUTABLE)
        for each in _drivers(new)
        if each.get("name") in before and _fixed(each) != _fixed(before[each["name"]])
    ]


def _fixed(driver: Object) -> Object:
    return {name: value for name, value in driver.items() if name != "allocatable"}


CSI_NODE = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSINode",
    plural="csinodes",
    namespaced=False,
    schema=schema("storage.v1.CSINode"),
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
    returns_deleted=True,
    columns=(
        columns.NAME,
        Column(
            "Drivers",
            "integer",
            "Drivers indicates the number of CSI drivers registered on the node",
            lambda obj: len(_drivers(obj)),
        ),
        columns.AGE,
    ),
)
