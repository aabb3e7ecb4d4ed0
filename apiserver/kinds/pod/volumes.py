"""Volumes of pods: exactly one source each. Source: kubernetes/pkg/apis/core/validation.ValidateVolumes."""

import re
from collections.abc import Callable, Mapping, Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.old_volumes import validate_azure_disk, validate_quobyte, validate_storageos
from apiserver.kinds.pod.ephemeral import claim_name, validate_claim_name, validate_ephemeral
from apiserver.kinds.pod.paths import descending, non_reserved, without_backsteps
from apiserver.kinds.pod.projections import validate_downward_files, validate_items, validate_mode, validate_projected
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import parse

HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MOST_PORTAL = 64
PORTAL = (
    f"Total length of <volume name>:<iscsi.targetPortal> must be under {MOST_PORTAL} characters if "
    "iscsi.initiatorName is specified."
)
BYTE_RANGE = "must be between 0 and 255, inclusive"
Check = Callable[[Object, Path], ErrorList]


def validate_volumes(
    volumes: Sequence[Object], path: Path, pod: str | None = None
) -> tuple[dict[str, Object], ErrorList]:
    """The volumes that containers can mount, by name, and what is wrong with the others. `pod` None: of a template."""
    errors: ErrorList = []
    found: dict[str, Object] = {}
    made = {claim_name(pod, each.get("name", "")) for each in volumes if pod and each.get("ephemeral") is not None}
    for position, volume in enumerate(volumes):
        here, name = path.index(position), volume.get("name", "")
        wrong = validate_source(volume, here) + _of_pod(volume, pod, here)
        wrong += (
            names.each(here.child("name"), name, names.label(name)) if name else [field.required(here.child("name"))]
        )
        if name in found:
            wrong.append(field.duplicate(here.child("name"), name))
        if not wrong:
            found[name] = volume
        errors += wrong
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in made:
            words = "must not reference a PVC that gets created for an ephemeral volume"
            errors.append(field.invalid(here.child("persistentVolumeClaim", "claimName"), claim, words))
    return found, errors


def _of_pod(volume: Object, pod: str | None, path: Path) -> ErrorList:
    """What depends on whose volume it is, and on its name."""
    name, iscsi, image = volume.get("name", ""), volume.get("iscsi") or {}, volume.get("image")
    errors: ErrorList = []
    if iscsi.get("initiatorName") is not None and len(f"{name}:{iscsi.get('targetPortal', '')}") > MOST_PORTAL:
        errors.append(field.invalid(path.child("name"), name, PORTAL))
    if volume.get("ephemeral") is not None and pod:
        errors += validate_claim_name(pod, name, path)
    if image is not None and pod is not None and not image.get("reference"):
        errors.append(field.required(path.child("image", "reference")))
    return errors


_SPELLED = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}  # as Kubernetes spells them in this one message


def validate_source(volume: Object, path: Path, sources: Mapping[str, Check] | None = None) -> ErrorList:
    errors: ErrorList = []
    count = 0
    for name, check in (SOURCES if sources is None else sources).items():
        source = volume.get(name)
        if source is None:
            continue
        count += 1
        if count > 1:
            errors.append(
                field.forbidden(path.child(_SPELLED.get(name, name)), "may not specify more than 1 volume type")
            )
        else:
            errors += check(source, path.child(name))
    return errors if count else [field.required(path, "must specify a volume type")]


def _needs(*fields: str) -> Check:
    """Nothing but fields that must be there."""

    def check(source: Object, path: Path) -> ErrorList:
        return [field.required(path.child(name)) for name in fields if not source.get(name)]

    return check


def _empty_dir(source: Object, path: Path) -> ErrorList:
    limit = source.get("sizeLimit")
    if limit is not None and parse(limit).nanos < 0:
        return [field.forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")]
    return []


def _host_path(source: Object, path: Path) -> ErrorList:
    if not source.get("path"):
        return [field.required(path.child("path"))]
    errors = without_backsteps(source["path"], path.child("path"))
    kind = source.get("type") or ""
    if kind not in HOST_PATH_TYPES:
        errors.append(field.not_supported(path.child("type"), kind, HOST_PATH_TYPES))
    return errors


def _git_repo(source: Object, path: Path) -> ErrorList:
    errors = [] if source.get("repository") else [field.required(path.child("repository"))]
    return errors + descending(source.get("directory", ""), path.child("directory"))


def _disk(named: str) -> Check:
    def check(source: Object, path: Path) -> ErrorList:
        errors = _needs(named)(source, path)
        partition = source.get("partition", 0)
        if not 0 <= partition <= 255:
            errors.append(field.invalid(path.child("partition"), partition, BYTE_RANGE))
        return errors

    return check


def _gce(source: Object, path: Path) -> ErrorList:
    """Kubernetes calls it so in what it says of the disk."""
    return _disk("pdName")(source, Path(f"{path.text.removesuffix('gcePersistentDisk')}persistentDisk"))


def _secret(source: Object, path: Path) -> ErrorList:
    errors = _needs("secretName")(source, path)
    errors += validate_mode(source.get("defaultMode"), path.child("defaultMode"))
    return errors + validate_items(source.get("items") or [], path.child("items"))


def _config_map(source: Object, path: Path) -> ErrorList:
    errors = _needs("name")(source, path)
    errors += validate_mode(source.get("defaultMode"), path.child("defaultMode"))
    return errors + validate_items(source.get("items") or [], path.child("items"))


def _nfs(source: Object, path: Path) -> ErrorList:
    errors = _needs("server", "path")(source, path)
    if not source.get("path", "").startswith("/"):
        errors.append(field.invalid(path.child("path"), source.get("path", ""), "must be an absolute path"))
    return errors


def _iscsi(source: Object, path: Path) -> ErrorList:
    errors = _needs("targetPortal", "iqn")(source, path)
    if source.get("iqn"):
        errors += _iscsi_name(source["iqn"], path.child("iqn"))
    lun = source.get("lun", 0)
    if not 0 <= lun <= 255:
        errors.append(field.invalid(path.child("lun"), lun, BYTE_RANGE))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get("secretRef") is None:
        errors.append(field.required(path.child("secretRef")))
    if source.get("initiatorName") is not None:
        errors += _iscsi_name(source["initiatorName"], path.child("initiatorname"))
    return errors


_ISCSI = re.compile(r"iqn\.\d{4}-\d{2}\.([-\w.]+)(:[^,;*&$|\s]+)|eui\.[0-9A-Fa-f]{16}|naa\.[0-9A-Fa-f]{32}")


def _iscsi_name(name: str, path: Path) -> ErrorList:
    if not name.startswith(("iqn", "eui", "naa")):
        return [field.invalid(path, name, "must be valid format starting with iqn, eui, or naa")]
    return [] if _ISCSI.fullmatch(name) else [field.invalid(path, name, "must be valid format")]


def _fibre_channel(source: Object, path: Path) -> ErrorList:
    targets, worldwide, lun = source.get("targetWWNs"), source.get("wwids"), source.get("lun")
    errors: ErrorList = []
    if not targets and not worldwide:
        words = "must specify either targetWWNs or wwids, but not both"
        errors.append(field.required(path.child("targetWWNs"), words))
    if targets and worldwide:
        words = "targetWWNs and wwids can not be specified simultaneously"
        errors.append(field.invalid(path.child("targetWWNs"), targets, words))
    if targets and lun is None:
        errors.append(field.required(path.child("lun"), "lun is required if targetWWNs is specified"))
    elif targets and lun is not None and not 0 <= lun <= 255:
        errors.append(field.invalid(path.child("lun"), lun, BYTE_RANGE))
    return errors


def _flex(source: Object, path: Path) -> ErrorList:
    errors = _needs("driver")(source, path)
    for key in sorted(source.get("options") or ()):
        if f".{key.partition('/')[0].lower()}".endswith((".kubernetes.io", ".k8s.io")):
            words = "kubernetes.io and k8s.io namespaces are reserved"
            errors.append(field.invalid(path.child("options").key(key), key, words))
    return errors


def _with_secret(*fields: str) -> Check:
    """Besides these fields, a secret that is named at all has a name."""

    def check(source: Object, path: Path) -> ErrorList:
        errors = _needs(*fields)(source, path)
        if source.get("secretRef") is not None and not source["secretRef"].get("name"):
            errors.append(field.required(path.child("secretRef", "name")))
        return errors

    return check


def _downward(source: Object, path: Path) -> ErrorList:
    errors = validate_mode(source.get("defaultMode"), path.child("defaultMode"))
    return errors + validate_downward_files(source.get("items") or [], path)


def _csi(source: Object, path: Path) -> ErrorList:
    errors = names.driver(source.get("driver", ""), path.child("driver"))
    secret = source.get("nodePublishSecretRef")
    if secret is None:
        return errors
    if not secret.get("name"):
        return [*errors, field.required(path.child("nodePublishSecretRef", "name"))]
    return errors + names.each(path.child("name"), secret["name"], names.subdomain(secret["name"]))


def _image(source: Object, path: Path) -> ErrorList:
    return validate_pull_policy(source.get("pullPolicy", ""), path.child("pullPolicy"))


def validate_pull_policy(policy: str, path: Path) -> ErrorList:
    if not policy:
        return [field.required(path)]
    return [] if policy in PULL_POLICIES else [field.not_supported(path, policy, PULL_POLICIES)]


def _flocker(source: Object, path: Path) -> ErrorList:
    name, uuid = source.get("datasetName", ""), source.get("datasetUUID", "")
    errors: ErrorList = []
    if not name and not uuid:
        errors.append(field.required(path, "one of datasetName and datasetUUID is required"))
    if name and uuid:
        errors.append(
            field.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
        )
    if "/" in name:
        errors.append(field.invalid(path.child("datasetName"), name, "must not contain '/'"))
    return errors


# In the order in which Kubernetes looks at them: the first one found counts.
SOURCES: Mapping[str, Check] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _git_repo,
    "gcePersistentDisk": _gce,
    "awsElasticBlockStore": _disk("volumeID"),
    "secret": _secret,
    "nfs": _nfs,
    "iscsi": _iscsi,
    "glusterfs": _needs("endpoints", "path"),
    "flocker": _flocker,
    "persistentVolumeClaim": _needs("claimName"),
    "rbd": _needs("monitors", "image"),
    "cinder": _with_secret("volumeID"),
    "cephfs": _needs("monitors"),
    "quobyte": validate_quobyte,
    "downwardAPI": _downward,
    "fc": _fibre_channel,
    "flexVolume": _flex,
    "configMap": _config_map,
    "azureFile": _needs("secretName", "shareName"),
    "vsphereVolume": _needs("volumePath"),
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "azureDisk": validate_azure_disk,
    "storageos": validate_storageos,
    "projected": validate_projected,
    "scaleIO": _needs("gateway", "system", "volumeName"),
    "csi": _csi,
    "ephemeral": validate_ephemeral,
    "image": _image,
}

__all__ = ["PULL_POLICIES", "non_reserved", "validate_pull_policy", "validate_source", "validate_volumes"]
