"""PersistentVolume. Source: kubernetes/pkg/apis/core/validation.ValidatePersistentVolume."""

import posixpath

from apiserver.kinds import columns, names
from apiserver.kinds.go import difference
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.persistent_volume_claim import (
    VOLUME_MODES,
    class_of,
    modes_text,
    phase,
    validate_modes,
    warn_class,
)
from apiserver.kinds.pod.affinity import validate_node_selector
from apiserver.kinds.pod.volumes import validate_source
from apiserver.kinds.pod.warnings import warn_term
from apiserver.kinds.strategy import drop_status, keep_spec, keep_status, status
from apiserver.kinds.volume_sources import MOUNTABLE, VOLUME_SOURCES
from apiserver.kinds.workload import IMMUTABLE, SPEC, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, FieldError, Path
from podling.api.meta import timestamp
from podling.api.pod_defaults import default_volume_source
from podling.api.quantity import parse

VOLUME = "core.v1.PersistentVolume"
POLICIES = ("Delete", "Recycle", "Retain")
MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"  # an annotation, older than the field


def default(obj: Object) -> None:
    obj["status"] = {"phase": "Pending"} | (obj.get("status") or {})
    spec = obj.setdefault("spec", {})
    spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    default_volume_source(spec)


_drop_status = drop_status(VOLUME)


def prepare_create(obj: Object) -> None:
    _drop_status(obj)
    obj["status"] |= {"phase": "Pending", "lastPhaseTransitionTime": timestamp()}


def prepare_status(new: Object, old: Object) -> None:
    """A change of phase is timed, where the writer does not time it."""
    keep_spec(new, old)
    now, was = new.setdefault("status", {}), status_of(old)
    timed = now.get("lastPhaseTransitionTime") != was.get("lastPhaseTransitionTime")
    if now.get("phase") != was.get("phase") and not timed:
        now["lastPhaseTransitionTime"] = timestamp()


def validate(obj: Object) -> ErrorList:
    return _validate(obj) + _mount_options(obj)


def _validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = _modes(spec, SPEC) + _capacity(spec.get("capacity"), SPEC.child("capacity"))
    policy, here = spec.get("persistentVolumeReclaimPolicy"), SPEC.child("persistentVolumeReclaimPolicy")
    if policy not in POLICIES:
        errors.append(field.not_supported(here, policy, POLICIES))
    affinity = spec.get("nodeAffinity")
    errors += _affinity(affinity, SPEC.child("nodeAffinity")) + validate_source(spec, SPEC, VOLUME_SOURCES)
    if spec.get("local") is not None and affinity is None:
        errors.append(field.required(SPEC.child("nodeAffinity"), "Local volume requires node affinity"))
    host = (spec.get("hostPath") or {}).get("path") or "."
    if posixpath.normpath(host).replace("//", "/") == "/" and policy == "Recycle":
        errors.append(field.forbidden(here, "may not be 'recycle' for a hostPath mount of '/'"))
    errors += _class(spec, "storageClassName", SPEC)
    if spec.get("volumeMode") not in (None, *VOLUME_MODES):
        errors.append(field.not_supported(SPEC.child("volumeMode"), spec["volumeMode"], VOLUME_MODES))
    return errors + _attributes(spec, SPEC)


def _attributes(spec: Object, path: Path) -> ErrorList:
    """A class of attributes is of drivers."""
    name, here = spec.get("volumeAttributesClassName"), path.child("volumeAttributesClassName")
    if name is None:
        return []
    errors = names.each(here, name, names.subdomain(name)) if name else [_no_name(here)]
    if spec.get("csi") is not None:
        return errors
    return [*errors, field.required(path.child("csi"), "has to be specified when using volumeAttributesClassName")]


def _no_name(path: Path) -> FieldError:
    return field.required(path, "an empty string is disallowed")


def _mount_options(obj: Object) -> ErrorList:
    """Source: kubernetes/pkg/volume/validation."""
    given = MOUNT_OPTIONS in (obj["metadata"].get("annotations") or {})
    if not given or any(spec_of(obj).get(name) is not None for name in MOUNTABLE):
        return []
    path = Path("metadata").child("annotations", MOUNT_OPTIONS)
    return [field.forbidden(path, "may not specify mount options for this volume type")]


INLINE = "in the context of inline volumes"


def validate_inline(spec: Object, path: Path) -> ErrorList:
    """A volume that an attachment describes itself: of CSI, and nobody's."""
    may_not = f"may not be specified {INLINE}"
    errors = [field.forbidden(path.child(name), may_not) for name in ("claimRef", "capacity") if spec.get(name)]
    if spec.get("csi") is None:
        errors.append(field.required(path.child("csi"), f"has to be specified {INLINE}"))
    errors += _modes(spec, path)
    if spec.get("persistentVolumeReclaimPolicy") not in (None, "", "Retain"):
        errors.append(field.forbidden(path.child("persistentVolumeReclaimPolicy"), f"may only be Retain {INLINE}"))
    if spec.get("nodeAffinity") is not None:
        errors.append(field.forbidden(path.child("nodeAffinity"), may_not))
    errors += validate_source(spec, path, VOLUME_SOURCES)
    if spec.get("storageClassName"):
        errors.append(field.forbidden(path.child("storageClassName"), may_not))
    if spec.get("volumeMode") not in (None, "Filesystem"):
        words = f"may not specify volumeMode other than Filesystem {INLINE}"
        errors.append(field.forbidden(path.child("volumeMode"), words))
    return errors + _attributes(spec, path)


def _modes(spec: Object, path: Path) -> ErrorList:
    modes, path = spec.get("accessModes") or [], path.child("accessModes")
    return ([] if modes else [field.required(path)]) + validate_modes(modes, path)


def _class(spec: Object, name: str, path: Path) -> ErrorList:
    return names.each(path.child(name), spec[name], names.subdomain(spec[name])) if spec.get(name) else []


def _capacity(capacity: Object | None, path: Path) -> ErrorList:
    errors: ErrorList = [] if capacity else [field.required(path)]
    if not capacity or set(capacity) != {"storage"}:
        errors.append(field.not_supported(path, capacity, ["storage"]))
    for name, text in sorted((capacity or {}).items()):
        if parse(text).nanos <= 0:
            errors.append(field.invalid(path.key(name), text, "must be greater than zero"))
    return errors


def _affinity(affinity: Object | None, path: Path) -> ErrorList:
    if affinity is None:
        return []
    required, here = affinity.get("required"), path.child("required")
    if required is None:
        return [field.required(here, "must specify required node constraints")]
    return validate_node_selector(required, here)


def validate_update(new: Object, old: Object) -> ErrorList:
    """All is looked at once more, as Kubernetes does."""
    errors, now, was = _validate(new), spec_of(new), spec_of(old)
    if _sources(_expandable(now, was)) != _sources(was):
        text = difference(_sources(was), _sources(_expandable(now, was)), "core.v1.PersistentVolumeSpec")
        words = f"spec.persistentvolumesource is immutable after creation\n{text}"
        errors.append(field.forbidden(SPEC.child("persistentvolumesource"), words))
    if now.get("volumeMode") != was.get("volumeMode"):
        errors.append(field.invalid(Path("volumeMode"), now.get("volumeMode"), IMMUTABLE))
    if was.get("nodeAffinity") is not None and now.get("nodeAffinity") != was["nodeAffinity"]:
        errors.append(field.invalid(Path("nodeAffinity"), now.get("nodeAffinity"), IMMUTABLE))
    if was.get("volumeAttributesClassName") is not None and now.get("volumeAttributesClassName") is None:
        path = SPEC.child("volumeAttributesClassName")
        errors.append(field.forbidden(path, "update from non-nil value to nil is forbidden"))
    return errors


def _expandable(now: Object, was: Object) -> Object:
    """The secret that growing needs may come later."""
    driver, name = now.get("csi"), "controllerExpandSecretRef"
    if driver is None or name in (was.get("csi") or {name: None}):
        return now
    return {**now, "csi": {key: value for key, value in driver.items() if key != name}}


DEPRECATED = {  # sources of which nothing is left but the field
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}


def warn(obj: Object) -> list[str]:
    """Source: kubernetes/pkg/api/persistentvolume.GetWarningsForPersistentVolume."""
    spec = spec_of(obj)
    found = warn_class(obj)
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        words = "Instead, the recommended approach is to use dynamic provisioning."
        found.append(f"spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. {words}")
    path = SPEC.child("nodeAffinity", "required", "nodeSelectorTerms")
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
    for position, term in enumerate(terms):
        found += warn_term(term, path.index(position))
    shown = {"storageos": "storageOS"}
    return found + [f"spec.{shown.get(name, name)}: {words}" for name, words in DEPRECATED.items() if spec.get(name)]


def _sources(spec: Object) -> Object:
    return {name: value for name, value in spec.items() if name in VOLUME_SOURCES}


def _claim(obj: Object) -> str:
    found = spec_of(obj).get("claimRef")
    return f"{found.get('namespace', '')}/{found.get('name', '')}" if found else ""


_SPEC, _STATUS = f"{VOLUME}Spec", f"{VOLUME}Status"
PERSISTENT_VOLUME = Kind(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    short_names=("pv",),
    namespaced=False,
    schema=schema(VOLUME),
    default=default,
    prepare_create=prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    warn=warn,
    returns_deleted=True,
    subresources=(status(prepare=prepare_status),),
    columns=(
        columns.NAME,
        Column(
            "Capacity",
            "string",
            columns.documented(_SPEC, "capacity"),
            lambda obj: (spec_of(obj).get("capacity") or {}).get("storage", ""),
        ),
        Column(
            "Access Modes",
            "string",
            columns.documented(_SPEC, "accessModes"),
            lambda obj: modes_text(spec_of(obj).get("accessModes")),
        ),
        columns.shown("Reclaim Policy", _SPEC, "spec.persistentVolumeReclaimPolicy"),
        Column("Status", "string", columns.documented(_STATUS, "phase"), phase),
        Column("Claim", "string", columns.documented(_SPEC, "claimRef"), _claim),
        Column("StorageClass", "string", "StorageClass of the pv", class_of),
        Column(
            "VolumeAttributesClass",
            "string",
            "VolumeAttributesClass of the pv",
            lambda obj: spec_of(obj).get("volumeAttributesClassName") or "<unset>",
        ),
        columns.shown("Reason", _STATUS, "status.reason"),
        columns.AGE,
        columns.shown("VolumeMode", _SPEC, "spec.volumeMode", missing="<unset>", priority=1),
    ),
)
