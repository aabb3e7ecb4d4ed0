"""Which fields of a pod's spec podling does not honour yet. Pure.

Nothing is silently ignored: the kubelet tells the pod's owner with one Warning event, `FieldNotSupported`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

POD_FIELDS = (
    "hostnameOverride",
    "overhead",
    "resourceClaims",
    "resources",
    "runtimeClassName",
    "setHostnameAsFQDN",
    "subdomain",
)
POD_SECURITY_FIELDS = (
    "appArmorProfile",
    "fsGroupChangePolicy",
    "seLinuxOptions",
    "supplementalGroupsPolicy",
    "windowsOptions",
)
CONTAINER_FIELDS = (
    "resizePolicy",
    "restartPolicyRules",
    "targetContainerName",
    "volumeDevices",
)
CONTAINER_SECURITY_FIELDS = ("appArmorProfile", "procMount", "seLinuxOptions", "windowsOptions")


def not_honoured(pod: Any) -> Sequence[str]:
    """Field paths, in the order of the spec."""
    return list(_walk(pod.spec))


def _walk(spec: Any) -> Iterator[str]:
    yield from _given(spec, "spec", POD_FIELDS)
    if spec.hostUsers is False:
        yield "spec.hostUsers"
    if spec.securityContext:
        yield from _given(spec.securityContext, "spec.securityContext", POD_SECURITY_FIELDS)
    for index, volume in enumerate(spec.volumes or ()):
        if volume.emptyDir and volume.emptyDir.sizeLimit and volume.emptyDir.medium != "Memory":
            yield f"spec.volumes[{index}].emptyDir.sizeLimit"
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(getattr(spec, field) or ()):
            yield from _of_container(container, f"spec.{field}[{index}]")


def _of_container(container: Any, path: str) -> Iterator[str]:
    yield from _given(container, path, CONTAINER_FIELDS)
    if container.securityContext:
        yield from _given(container.securityContext, f"{path}.securityContext", CONTAINER_SECURITY_FIELDS)
    for index, port in enumerate(container.ports or ()):
        if port.hostPort:
            yield f"{path}.ports[{index}].hostPort"
    for index, mount in enumerate(container.volumeMounts or ()):
        if mount.recursiveReadOnly not in (None, "Disabled"):
            yield f"{path}.volumeMounts[{index}].recursiveReadOnly"
    for group in ("requests", "limits"):
        given = (getattr(container.resources, group, None) if container.resources else None) or {}
        yield from (f"{path}.resources.{group}.{name}" for name in given if name not in ("cpu", "memory"))


def _given(item: Any, path: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in names if getattr(item, name, None))
