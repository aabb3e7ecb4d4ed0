"""PersistentVolumeClaim. Source: kubernetes/pkg/apis/core/validation.ValidatePersistentVolumeClaim."""

from collections.abc import Mapping, Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.go import difference
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_spec, keep_status, status
from apiserver.kinds.workload import SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import WHOLE, parse

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
    _drop_status(obj)
    obj["status"]["phase"] = "Pending"
    _both_sources(spec_of(obj), {})


def _prepare_update(new: Object, old: Object) -> None:
    keep_status(new, old)
    _both_sources(spec_of(new), spec_of(old))


def _both_sources(spec: Object, was: Object) -> None:
    """Of what it is a copy, both fields tell. In the older one, where it is alone, a kind that is no source of data is
    left out, as ever; sources in other namespaces are a feature that is off unless asked for."""
    if (spec.get("dataSourceRef") or {}).get("namespace") and not was.get("dataSourceRef"):
        del spec["dataSourceRef"]
    source, known = spec.get("dataSource"), was.get("dataSource") or was.get("dataSourceRef")
    alone = source and not known and not spec.get("dataSourceRef")
    if source and alone and (source.get("apiGroup") or "", source.get("kind")) not in SOURCES:
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
    if spec.get("storageClassName"):
        name = spec["storageClassName"]
        errors += names.each(path.child("storageClassName"), name, names.subdomain(name))
    if spec.get("volumeMode") is not None and spec["volumeMode"] not in VOLUME_MODES:
        errors.append(field.not_supported(path.child("volumeMode"), spec["volumeMode"], VOLUME_MODES))
    errors += _copied(spec, path)
    if spec.get("volumeAttributesClassName"):
        name = spec["volumeAttributesClassName"]
        errors += names.each(path.child("volumeAttributesClassName"), name, names.subdomain(name))
    return errors


def _copied(spec: Object, path: Path) -> ErrorList:
    """Of what it is a copy: the two fields agree, but for a source in another namespace."""
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    errors: ErrorList = []
    for name, each in (("dataSource", source), ("dataSourceRef", ref)):
        if each is not None:
            errors += _source(each, path.child(name))
    namespace = (ref or {}).get("namespace")
    if namespace:
        errors += names.each(path.child("dataSourceRef", "namespace"), namespace, names.label(namespace))
    if source is None or ref is None:
        return errors
    if namespace:
        errors.append(field.invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified"))
    elif any(source.get(name) != ref.get(name) for name in ("apiGroup", "kind", "name")):
        errors.append(field.invalid(path, {}, "must match dataSourceRef"))
    return errors


def _source(source: Object, path: Path) -> ErrorList:
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    errors = [field.required(path.child(name)) for name in ("name", "kind") if not source.get(name)]
    if not group and kind != "PersistentVolumeClaim":
        words = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(field.invalid(path, kind, words))
    return errors + (names.each(path.child("apiGroup"), group, names.subdomain(group)) if group else [])


def validate_modes(modes: Sequence[str], path: Path) -> ErrorList:
    errors: ErrorList = [field.not_supported(path, mode, MODES) for mode in modes if mode not in MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        words = "may not use ReadWriteOncePod with other access modes"
        errors.append(field.forbidden(path, words))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    """A claim is bound once; bound, it may grow. Its class may appear, of attributes it may change."""
    now, was = dict(spec_of(new)), dict(spec_of(old))
    mode, attributes = (now.get("volumeMode"), was.get("volumeMode")), now.get("volumeAttributesClassName")
    grown, before = _requests(now).get("storage"), _requests(was).get("storage")
    if not was.get("volumeName"):
        was["volumeName"] = now.get("volumeName") or ""
        now["volumeName"] = was["volumeName"]
    errors = validate(new) + _class(new, old, now, was)  # all once more, as Kubernetes does
    if status_of(new).get("phase") == "Bound" and _requests(now) and before:
        now["resources"] = {**now["resources"], "requests": {**_requests(now), "storage": before}}
    given = was.get("volumeAttributesClassName")
    now["volumeAttributesClassName"] = given
    if _given(now) != _given(was):
        text = difference(_given(was), _given(now), f"{CLAIM}Spec")
        errors.append(field.forbidden(SPEC, f"{IMMUTABLE}\n{text}"))
    held = (status_of(old).get("capacity") or {}).get("storage", "0")
    if before and grown and parse(grown).nanos < parse(before).nanos and parse(grown).nanos <= parse(held).nanos:
        path = SPEC.child("resources", "requests", "storage")
        errors.append(field.forbidden(path, "field can not be less than status.capacity"))
    if mode[0] != mode[1]:
        errors.append(field.invalid(Path("volumeMode"), mode[0], "field is immutable"))
    if given is not None and not attributes:
        words = f"update from non-nil value to {'nil' if attributes is None else 'an empty string'} is forbidden"
        errors.append(field.forbidden(SPEC.child("volumeAttributesClassName"), words))
    return errors


def _class(new: Object, old: Object, now: Object, was: Object) -> ErrorList:
    """A claim without a class may get one; the annotation stays, or becomes the field. Evens `now` out with `was`."""
    annotated, before = (((each["metadata"].get("annotations") or {}).get(BETA_CLASS)) for each in (new, old))
    chosen = now.get("storageClassName")
    appears = chosen is not None and was.get("storageClassName") is None and before in (None, chosen)
    if appears:
        now.pop("storageClassName")
    if (appears and before is not None and annotated in (None, before)) or (annotated or "") == (before or ""):
        return []
    path = Path("metadata").child("annotations", BETA_CLASS)
    return [field.invalid(path, annotated or "", "field is immutable")]


RESIZING = (
    *("ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible"),
    "NodeResizePending",
)


def validate_status(new: Object, _old: Object) -> ErrorList:
    found = status_of(new)
    errors: ErrorList = []
    for name, text in sorted((found.get("capacity") or {}).items()):
        errors += _quantity(text, STATUS.child("capacity").key(name))
    path = STATUS.child("allocatedResourceStatus")
    for name, state in sorted((found.get("allocatedResourceStatuses") or {}).items()):
        errors += _resource(name, path)
        if state not in RESIZING:
            errors.append(field.not_supported(path, name, sorted(RESIZING)))
    path = STATUS.child("allocatedResources")
    for name, text in sorted((found.get("allocatedResources") or {}).items()):
        errors += _resource(name, path) or _quantity(text, path.key(name))
    return errors


def _quantity(text: str, path: Path) -> ErrorList:
    amount = parse(text).nanos
    return [field.invalid(path, -(-amount // WHOLE), "must be a valid resource quantity")] if amount < 0 else []


def _resource(name: str, path: Path) -> ErrorList:
    if errors := names.each(path, name, names.qualified(name)):
        return errors
    native = "/" not in name or "kubernetes.io/" in name
    return [field.not_supported(path, name, ("storage",))] if native and name != "storage" else []


def warn(obj: Object) -> list[str]:
    return [*warn_class(obj), *warn_claim_spec(spec_of(obj), SPEC)]


def warn_claim_spec(spec: Object, path: Path) -> Sequence[str]:
    """Source: kubernetes/pkg/api/persistentvolumeclaim.GetWarningsForPersistentVolumeClaimSpec."""
    asked = {part: ((spec.get("resources") or {}).get(part) or {}).get("storage") for part in ("requests", "limits")}
    words = "fractional byte value {} is invalid, must be an integer"
    return [
        f"{path.child('resources', part).key('storage')}: {words.format(field.show(text))}"
        for part, text in asked.items()
        if text is not None and parse(text).nanos % WHOLE
    ]


def warn_class(obj: Object) -> list[str]:
    """Of a volume, too."""
    if BETA_CLASS not in (obj["metadata"].get("annotations") or {}):
        return []
    path = Path("metadata.annotations").key(BETA_CLASS)
    return [f'{path}: deprecated since v1.8; use "storageClassName" attribute instead']


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
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
    warn=warn,
    returns_deleted=True,
    subresources=(status(validate_status, keep_spec),),
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
