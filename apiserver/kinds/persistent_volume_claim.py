"""PersistentVolumeClaim. Source: kubernetes/pkg/apis/core/validation.ValidatePersistentVolumeClaim."""

from collections.abc import Mapping, Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.go import difference
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_spec, keep_status, status
from apiserver.kinds.workload import SPEC, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import parse

CLAIM = "core.v1.PersistentVolumeClaim"
MODES = {"ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOnce": "RWO", "ReadWriteOncePod": "RWOP"}
VOLUME_MODES = ("Block", "Filesystem")
IMMUTABLE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"  # an annotation, older than the field


def default(obj: Object) -> None:
    obj["status"] = {"phase": "Pending"} | (obj.get("status") or {})
    spec = obj.setdefault("spec", {})
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"


_drop_status = drop_status(CLAIM)


def prepare_create(obj: Object) -> None:
    """Of what it is a copy, both fields tell; another kind than these is no source of data and left out."""
    _drop_status(obj)
    obj["status"]["phase"] = "Pending"
    spec = spec_of(obj)
    source = spec.get("dataSource")
    if source and (source.get("apiGroup") or "", source.get("kind")) not in SOURCES:
        del spec["dataSource"]
    for one, other in (("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")):
        if spec.get(one) and not spec.get(other) and (other != "dataSource" or not spec[one].get("namespace")):
            spec[other] = dict(spec[one])


SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def validate(obj: Object) -> ErrorList:
    return validate_claim_spec(spec_of(obj), SPEC)


def validate_claim_spec(spec: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    modes = spec.get("accessModes") or []
    if not modes:
        errors.append(field.required(path.child("accessModes"), "at least 1 access mode is required"))
    errors += names.selector(spec.get("selector"), path.child("selector"))
    errors += validate_modes(modes, path.child("accessModes"))
    asked, here = ((spec.get("resources") or {}).get("requests") or {}).get("storage"), path.child("resources")
    if asked is None:
        errors.append(field.required(here.key("storage")))
    elif parse(asked).nanos <= 0:
        errors.append(field.invalid(here.key("storage"), asked, "must be greater than zero"))
    for name in ("storageClassName", "volumeAttributesClassName"):
        if spec.get(name):
            errors += names.each(path.child(name), spec[name], names.subdomain(spec[name]))
    if spec.get("volumeMode") is not None and spec["volumeMode"] not in VOLUME_MODES:
        errors.append(field.not_supported(path.child("volumeMode"), spec["volumeMode"], VOLUME_MODES))
    return errors


def validate_modes(modes: Sequence[str], path: Path) -> ErrorList:
    errors: ErrorList = [field.not_supported(path, mode, MODES) for mode in modes if mode not in MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        words = "may not use ReadWriteOncePod with other access modes"
        errors.append(field.forbidden(path, words))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    """A claim is bound once; bound, it may grow."""
    now, was = dict(spec_of(new)), dict(spec_of(old))
    bound = status_of(old).get("phase") == "Bound"
    if not was.get("volumeName"):
        was["volumeName"] = now.get("volumeName") or ""
        now["volumeName"] = was["volumeName"]
    grown = _requests(now)
    if bound:
        now["resources"] = {**(now.get("resources") or {}), "requests": _requests(was)}
        now["volumeAttributesClassName"] = was.get("volumeAttributesClassName")
    if _given(now) != _given(was):
        text = difference(_given(was), _given(now), f"{CLAIM}Spec")
        return [field.forbidden(SPEC, f"{IMMUTABLE}\n{text}")]
    before = _requests(was).get("storage")
    if bound and before and grown.get("storage") and parse(grown["storage"]).nanos < parse(before).nanos:
        path = SPEC.child("resources", "requests", "storage")
        return [field.forbidden(path, "field can not be less than status.capacity")]
    return []


def _requests(spec: Object) -> dict[str, str]:
    return dict((spec.get("resources") or {}).get("requests") or {})


def _given(spec: Object) -> Object:
    return {name: value for name, value in spec.items() if value not in (None, "")}


def modes_text(modes: Sequence[str] | None) -> str:
    """`RWO,ROX`, in Kubernetes' order."""
    order = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
    return ",".join(MODES[mode] for mode in order if mode in (modes or ()))


def class_of(obj: Object) -> str:
    """The annotation counts before the field."""
    annotations: Mapping[str, str] = obj["metadata"].get("annotations") or {}
    return annotations.get(BETA_CLASS) or spec_of(obj).get("storageClassName") or ""


def phase(obj: Object) -> str:
    """As a row shows it, of a volume too."""
    gone = obj["metadata"].get("deletionTimestamp")
    return "Terminating" if gone else status_of(obj).get("phase", "")


def _bound(obj: Object, text: str) -> str:
    return text if spec_of(obj).get("volumeName") else ""


_SPEC, _STATUS = f"{CLAIM}Spec", f"{CLAIM}Status"
PERSISTENT_VOLUME_CLAIM = Kind(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    short_names=("pvc",),
    schema=schema(CLAIM),
    default=default,
    prepare_create=prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    returns_deleted=True,
    subresources=(status(prepare=keep_spec),),
    columns=(
        columns.NAME,
        Column("Status", "string", columns.documented(_STATUS, "phase"), phase),
        Column(
            "Volume",
            "string",
            columns.documented(_SPEC, "volumeName"),
            lambda obj: spec_of(obj).get("volumeName") or "",
        ),
        Column(
            "Capacity",
            "string",
            columns.documented(_STATUS, "capacity"),
            lambda obj: _bound(obj, (status_of(obj).get("capacity") or {}).get("storage", "0")),
        ),
        Column(
            "Access Modes",
            "string",
            columns.documented(_STATUS, "accessModes"),
            lambda obj: _bound(obj, modes_text(status_of(obj).get("accessModes"))),
        ),
        Column("StorageClass", "string", "StorageClass of the pvc", class_of),
        Column(
            "VolumeAttributesClass",
            "string",
            "VolumeAttributesClass of the pvc",
            lambda obj: spec_of(obj).get("volumeAttributesClassName") or "<unset>",
        ),
        columns.AGE,
        Column(
            "VolumeMode",
            "string",
            columns.documented(_SPEC, "volumeMode"),
            lambda obj: spec_of(obj).get("volumeMode") or "<unset>",
            priority=1,
        ),
    ),
)
