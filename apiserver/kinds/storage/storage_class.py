"""StorageClass."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.pod.warnings import LABELS
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
    for name, value in (("reclaimPolicy", "Delete"), ("volumeBindingMode", "Immediate")):
        obj[name] = value if obj.get(name) is None else obj[name]


def validate(obj: Object) -> ErrorList:
    errors = validate_provisioner(obj.get("provisioner", ""), Path("provisioner"))
    errors += validate_parameters(obj.get("parameters") or {}, Path("parameters"))
    policy = obj.get("reclaimPolicy")
    if policy and policy not in POLICIES:
        errors.append(field.not_supported(Path("reclaimPolicy"), policy, POLICIES))
    mode = obj.get("volumeBindingMode")
    if mode not in BINDING_MODES:
        errors.append(field.not_supported(Path("volumeBindingMode"), mode, BINDING_MODES))
    return errors + _topologies(obj.get("allowedTopologies") or [], Path("allowedTopologies"))


def _topologies(terms: list[Object], path: Path) -> ErrorList:
    """Source: validateAllowedTopologies, which takes an empty term for one that was there before."""
    errors: ErrorList = []
    seen: list[dict[str, set[str]]] = [{} for _ in terms]
    for place, term in enumerate(terms):
        here = path.index(place).child("matchLabelExpressions")
        found: dict[str, set[str]] = {}
        for number, each in enumerate(term.get("matchLabelExpressions") or ()):
            errors += _requirement(each, here.index(number))
            key = each.get("key", "")
            if key in found:
                errors.append(field.duplicate(here.index(number).child("key"), key))
            found[key] = set(each.get("values") or ())
        errors += [field.duplicate(here, "") for other in seen if other == found]
        seen.append(found)
    return errors


def _requirement(each: Object, path: Path) -> ErrorList:
    values, key = each.get("values") or [], each.get("key", "")
    errors = [] if values else [field.required(path.child("values"))]
    twice = [place for place, value in enumerate(values) if value in values[:place]]
    errors += [field.duplicate(path.child("values").index(place), values[place]) for place in twice]
    return errors + names.each(path.child("key"), key, names.qualified(key))


def warn(obj: Object) -> list[str]:
    """Source: kubernetes/pkg/api/storage.GetWarningsForStorageClass."""
    return [
        f"allowedTopologies[{place}].matchLabelExpressions[{number}].key: {LABELS[each['key']]}"
        for place, term in enumerate(obj.get("allowedTopologies") or ())
        for number, each in enumerate(term.get("matchLabelExpressions") or ())
        if each.get("key") in LABELS
    ]


def validate_provisioner(name: str, path: Path) -> ErrorList:
    if not name:
        return [field.required(path)]
    return names.each(path, name.lower(), names.qualified(name.lower()))


def validate_parameters(found: Object, path: Path, *, may_be_empty: bool = True) -> ErrorList:
    errors: ErrorList = []
    if len(found) > MOST_PARAMETERS:
        return [field.too_long(path, MOST_PARAMETERS)]
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
    warn=warn,
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
