"""What a persistent volume is made of: the sources of pods' volumes, with secrets that may be in other namespaces.

Source: kubernetes/pkg/apis/core/validation.ValidatePersistentVolumeSpec.
"""

from collections.abc import Mapping

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.old_volumes import validate_storageos
from apiserver.kinds.pod.paths import without_backsteps
from apiserver.kinds.pod.volumes import SOURCES, Check
from podling.api import field
from podling.api.field import ErrorList, Path

SECRETS = ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")


def _glusterfs(source: Object, path: Path) -> ErrorList:
    errors, namespace = SOURCES["glusterfs"](source, path), source.get("endpointsNamespace")
    here = path.child("endpointsNamespace")
    if namespace is None:
        return errors
    if not namespace:
        words = "if the endpointnamespace is set, it must be a valid namespace name"
        return [*errors, field.invalid(here, namespace, words)]
    return errors + names.each(here, namespace, names.label(namespace))


def _iscsi(source: Object, path: Path) -> ErrorList:
    errors = SOURCES["iscsi"](source, path)
    if source.get("secretRef") is not None and not source["secretRef"].get("name"):
        errors.append(field.required(path.child("secretRef", "name")))
    return errors


def _of_namespace(check: Check) -> Check:
    """Its secret says which namespace it is in."""

    def both(source: Object, path: Path) -> ErrorList:
        errors, secret = check(source, path), source.get("secretRef")
        if secret is not None and not secret.get("namespace"):
            errors.append(field.required(path.child("secretRef", "namespace")))
        return errors

    return both


def _azure_file(source: Object, path: Path) -> ErrorList:
    errors = SOURCES["azureFile"](source, path)
    return [*errors, field.required(path.child("secretNamespace"))] if source.get("secretNamespace") == "" else errors


def _local(source: Object, path: Path) -> ErrorList:
    here = path.child("path")
    return without_backsteps(source["path"], here) if source.get("path") else [field.required(here)]


def _csi(source: Object, path: Path) -> ErrorList:
    errors = names.driver(source.get("driver", ""), path.child("driver"))
    if not source.get("volumeHandle"):
        errors.append(field.required(path.child("volumeHandle")))
    for name in SECRETS:
        if source.get(name) is not None:
            errors += _secret(source[name], path.child(name))
    return errors


def _secret(found: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for part, check in (("name", names.subdomain), ("namespace", names.label)):
        value, here = found.get(part, ""), path.child(part)
        errors += names.each(here, value, check(value)) if value else [field.required(here)]
    return errors


# In the order in which Kubernetes looks at them: the first one found counts.
VOLUME_SOURCES: Mapping[str, Check] = {
    "hostPath": SOURCES["hostPath"],
    "gcePersistentDisk": SOURCES["gcePersistentDisk"],
    "awsElasticBlockStore": SOURCES["awsElasticBlockStore"],
    "glusterfs": _glusterfs,
    "flocker": SOURCES["flocker"],
    "nfs": SOURCES["nfs"],
    "rbd": SOURCES["rbd"],
    "quobyte": SOURCES["quobyte"],
    "cephfs": SOURCES["cephfs"],
    "iscsi": _iscsi,
    "cinder": _of_namespace(SOURCES["cinder"]),
    "fc": SOURCES["fc"],
    "flexVolume": SOURCES["flexVolume"],
    "azureFile": _azure_file,
    "vsphereVolume": SOURCES["vsphereVolume"],
    "photonPersistentDisk": SOURCES["photonPersistentDisk"],
    "portworxVolume": SOURCES["portworxVolume"],
    "azureDisk": SOURCES["azureDisk"],
    "scaleIO": SOURCES["scaleIO"],
    "local": _local,
    "storageos": _of_namespace(validate_storageos),
    "csi": _csi,
}
# Those that have taken the annotation for mount options since before there was a field.
MOUNTABLE = (
    *("gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "nfs", "rbd", "quobyte", "iscsi", "cinder", "cephfs"),
    *("azureFile", "vsphereVolume", "azureDisk", "photonPersistentDisk"),
)
