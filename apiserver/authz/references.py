"""The other objects that a pod refers to by name: what its node must therefore be able to read.

Source: k8s.io/kubernetes/pkg/api/pod/util.go (VisitPodSecretNames, VisitPodConfigmapNames).
"""

from collections.abc import Iterator
from typing import Any

SECRET_VOLUMES = ("cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos")


def secrets(pod: dict[str, Any]) -> Iterator[str]:
    spec = pod.get("spec") or {}
    for reference in spec.get("imagePullSecrets") or ():
        yield reference.get("name", "")
    yield from _environment(spec, "secretRef", "secretKeyRef")
    for volume in spec.get("volumes") or ():
        if "secret" in volume:
            yield (volume["secret"] or {}).get("secretName", "")
        if "azureFile" in volume:
            yield volume["azureFile"].get("secretName", "")
        if "csi" in volume:
            yield (volume["csi"].get("nodePublishSecretRef") or {}).get("name", "")
        for source in _projected(volume):
            if "secret" in source:
                yield source["secret"].get("name", "")
        for kind in SECRET_VOLUMES:
            if kind in volume:
                yield (volume[kind].get("secretRef") or {}).get("name", "")


def config_maps(pod: dict[str, Any]) -> Iterator[str]:
    spec = pod.get("spec") or {}
    yield from _environment(spec, "configMapRef", "configMapKeyRef")
    for volume in spec.get("volumes") or ():
        if "configMap" in volume:
            yield (volume["configMap"] or {}).get("name", "")
        for source in _projected(volume):
            if "configMap" in source:
                yield source["configMap"].get("name", "")


def claims(pod: dict[str, Any]) -> Iterator[str]:
    """PersistentVolumeClaims, those of ephemeral volumes by the names that their controller gives them."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"].get("claimName", "")
        elif "ephemeral" in volume:
            yield f"{pod['metadata'].get('name', '')}-{volume.get('name', '')}"


def resource_claims(pod: dict[str, Any]) -> Iterator[str]:
    """Those that it names, and those that were made for it."""
    for claim in (pod.get("spec") or {}).get("resourceClaims") or ():
        yield claim.get("resourceClaimName") or ""
    for made in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
        yield made.get("resourceClaimName") or ""


def service_accounts(pod: dict[str, Any]) -> Iterator[str]:
    name = (pod.get("spec") or {}).get("serviceAccountName")
    if name:
        yield name


def containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(key) or ()


def _environment(spec: dict[str, Any], whole: str, one: str) -> Iterator[str]:
    for container in containers(spec):
        for source in container.get("envFrom") or ():
            if source.get(whole):
                yield source[whole].get("name", "")
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get(one)
            if reference:
                yield reference.get("name", "")


def _projected(volume: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (volume.get("projected") or {}).get("sources") or ()
