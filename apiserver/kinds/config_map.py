"""ConfigMap. Source: kubernetes/pkg/apis/core/validation.ValidateConfigMap."""

import base64

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_BYTES = 1024 * 1024
IMMUTABLE = "field is immutable when `immutable` is set"


def validate(obj: Object) -> ErrorList:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    errors: ErrorList = []
    for key in sorted(data):
        errors += names.each(Path("data").key(key), key, names.config_key(key))
        if key in binary:
            errors.append(field.invalid(Path("data").key(key), key, "duplicate of key present in binaryData"))
    for key in sorted(binary):
        errors += names.each(Path("binaryData").key(key), key, names.config_key(key))
    size = sum(len(value.encode()) for value in data.values())
    size += sum(len(base64.b64decode(value)) for value in binary.values())
    return [*errors, field.too_long(Path("[]"), MOST_BYTES)] if size > MOST_BYTES else errors


def validate_update(new: Object, old: Object) -> ErrorList:
    return immutable(new, old, ("data", "binaryData")) + validate(new)


def immutable(new: Object, old: Object, guarded: tuple[str, ...]) -> ErrorList:
    """What an object that was made immutable may not change any more."""
    if not old.get("immutable"):
        return []
    errors = [] if new.get("immutable") else [field.forbidden(Path("immutable"), IMMUTABLE)]
    changed = [name for name in guarded if (new.get(name) or {}) != (old.get(name) or {})]
    return errors + [field.forbidden(Path(name), IMMUTABLE) for name in changed]


def _count(obj: Object) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


CONFIG_MAP = Kind(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    short_names=("cm",),
    schema=schema("core.v1.ConfigMap"),
    validate_create=validate,
    validate_update=validate_update,  # looks at the change first, at the rest then
    columns=(
        columns.NAME,
        Column("Data", "string", columns.documented("core.v1.ConfigMap", "data"), _count),
        columns.AGE,
    ),
)
