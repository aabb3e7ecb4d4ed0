"""StorageClass."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.workload import immutable
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
POLICIES = ("Delete", "Retain")
BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
MOST_PARAMETERS, MOST_BYTES = 512, 256 * 1024


def is_default(obj: Object) -> bool:
    annotations = obj["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in DEFAULT_ANNOTATIONS)


def default(obj: Object) -> None:
    obj["reclaimPolicy"] = obj.get("reclaimPolicy") or "Delete"
    obj["volumeBindingMode"] = obj.get("volumeBindingMode") or "Immediate"


def validate(obj: Object) -> ErrorList:
    errors = validate_provisioner(obj.get("provisioner", ""), Path("provisioner"))
    errors += validate_parameters(obj.get("parameters") or {}, Path("parameters"))
    policy = obj.get("reclaimPolicy")
    if policy and policy not in POLICIES:
        errors.append(field.not_supported(Path("reclaimPolicy"), policy, POLICIES))
    mode = obj.get("volumeBindingMode")
    if mode not in BINDING_MODES:
        errors.append(field.not_supported(Path("volumeBindingMode"), mode, BINDING_MODES))
    return errors


def validate_provisioner(name: str, path: Path) -> ErrorList:
    if not name:
        return [field.required(path)]
    return names.each(path, name.lower(), names.qualified(name.lower()))


def validate_parameters(found: Object, path: Path, *, may_be_empty: bool = True) -> ErrorList:
    errors: ErrorList = []
    if len(found) > MOST_PARAMETERS:
        errors.append(field.too_many(path, len(found), MOST_PARAMETERS))
    if "" in found:
        errors.append(field.invalid(path, "", "field can not be empty."))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in found.items())
    if size > MOST_BYTES:
        errors.append(field.too_long(path, MOST_BYTES))
    if not found and not may_be_empty:
        errors.append(field.required(path, "must contain at least one key/value pair"))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    fixed = ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
    return [error for name in fixed for error in immutable(new.get(name), old.get(name), Path(name))]


def _name(obj: Object) -> str:
    name: str = obj["metadata"].get("name", "")
    return f"{name} (default)" if is_default(obj) else name


_TYPE = "storage.v1.StorageClass"


STORAGE_CLASS = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="StorageClass",
    plural="storageclasses",
    short_names=("sc",),
    namespaced=False,
    schema=schema(_TYPE),
    default=default,
    validate=validate,
    validate_update=validate_update,
    returns_deleted=True,
    columns=(
        columns.NAME._replace(cell=_name),
        columns.shown("Provisioner", _TYPE, "provisioner"),
        columns.shown("ReclaimPolicy", _TYPE, "reclaimPolicy"),
        columns.shown("VolumeBindingMode", _TYPE, "volumeBindingMode"),
        columns.shown("AllowVolumeExpansion", _TYPE, "allowVolumeExpansion", missing=False),
        columns.AGE,
    ),
)
