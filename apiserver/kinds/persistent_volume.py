"""PersistentVolume. Source: kubernetes/pkg/apis/core/validation.ValidatePersistentVolume."""

from apiserver.kinds import columns, names
from apiserver.kinds.go import difference
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.persistent_volume_claim import (
    BETA_CLASS,
    VOLUME_MODES,
    class_of,
    modes_text,
    phase,
    validate_modes,
)
from apiserver.kinds.pod.affinity import validate_node_selector
from apiserver.kinds.pod.volumes import SOURCES, validate_source
from apiserver.kinds.pod.warnings import warn_term
from apiserver.kinds.strategy import drop_status, keep_spec, keep_status, status
from apiserver.kinds.workload import IMMUTABLE, SPEC, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.meta import timestamp
from podling.api.pod_defaults import default_volume_source
from podling.api.quantity import parse

VOLUME = "core.v1.PersistentVolume"
POLICIES = ("Delete", "Recycle", "Retain")


def _local(source: Object, path: Path) -> ErrorList:
    if not source.get("path"):
        return [field.required(path.child("path"))]
    parts = source["path"].split("/")
    return [field.invalid(path.child("path"), source["path"], "must not contain '..'")] if ".." in parts else []


_OF_PODS = (
    *("emptyDir", "gitRepo", "secret", "configMap", "downwardAPI", "projected", "persistentVolumeClaim", "ephemeral"),
    "image",
)
OWN_SOURCES = {name: check for name, check in SOURCES.items() if name not in _OF_PODS} | {"local": _local}


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
    spec = spec_of(obj)
    errors = _modes(spec, SPEC) + _capacity(spec.get("capacity"), SPEC.child("capacity"))
    errors += validate_source(spec, SPEC, OWN_SOURCES)
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy not in POLICIES:
        errors.append(field.not_supported(SPEC.child("persistentVolumeReclaimPolicy"), policy, POLICIES))
    if (spec.get("hostPath") or {}).get("path") == "/" and policy == "Recycle":
        words = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(field.forbidden(SPEC.child("persistentVolumeReclaimPolicy"), words))
    errors += _class(spec, "storageClassName", SPEC) + _class(spec, "volumeAttributesClassName", SPEC)
    if spec.get("volumeMode") not in (None, *VOLUME_MODES):
        errors.append(field.not_supported(SPEC.child("volumeMode"), spec["volumeMode"], VOLUME_MODES))
    return errors + _affinity(spec.get("nodeAffinity"), SPEC.child("nodeAffinity"))


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
    errors += _affinity(spec.get("nodeAffinity"), path.child("nodeAffinity"))
    errors += validate_source(spec, path, OWN_SOURCES)
    if spec.get("storageClassName"):
        errors.append(field.forbidden(path.child("storageClassName"), may_not))
    if spec.get("volumeMode") not in (None, "Filesystem"):
        words = f"may not specify volumeMode other than Filesystem {INLINE}"
        errors.append(field.forbidden(path.child("volumeMode"), words))
    return errors + _class(spec, "volumeAttributesClassName", path)


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
    now, was = spec_of(new), spec_of(old)
    errors: ErrorList = []
    if _sources(now) != _sources(was):
        text = difference(_sources(was), _sources(now), "core.v1.PersistentVolumeSpec")
        words = f"spec.persistentvolumesource is immutable after creation\n{text}"
        errors.append(field.forbidden(SPEC.child("persistentvolumesource"), words))
    if now.get("volumeMode") != was.get("volumeMode"):
        errors.append(field.invalid(Path("volumeMode"), now.get("volumeMode"), IMMUTABLE))
    if was.get("nodeAffinity") is not None and now.get("nodeAffinity") != was["nodeAffinity"]:
        errors.append(field.invalid(Path("nodeAffinity"), now.get("nodeAffinity"), IMMUTABLE))
    return errors


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
    found: list[str] = []
    if BETA_CLASS in (obj["metadata"].get("annotations") or {}):
        path = Path("metadata.annotations").key(BETA_CLASS)
        found.append(f'{path}: deprecated since v1.8; use "storageClassName" attribute instead')
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
    return {name: value for name, value in spec.items() if name in OWN_SOURCES}


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
