"""Which fields of a pod's spec podling does not honour yet. Pure.

Nothing is silently ignored: the kubelet tells the pod's owner with one Warning event, `FieldNotSupported`.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

POD_FIELDS = ("resourceClaims",)
POD_SECURITY_FIELDS = (
    "seLinuxChangePolicy",
    "windowsOptions",
)
CONTAINER_FIELDS = ("volumeDevices",)
CONTAINER_SECURITY_FIELDS = ("windowsOptions",)
SELINUX = ("seLinuxOptions",)  # where the engine has none


def not_honoured(pod: Any, security: AbstractSet[str] = frozenset()) -> Sequence[str]:
    """Field paths, in the order of the spec. `security` is what the engine can enforce."""
    without = () if "selinux" in security else SELINUX
    return list(_walk(pod.spec, without))


def _walk(spec: Any, of_security: Sequence[str]) -> Iterator[str]:
    yield from _given(spec, "spec", POD_FIELDS)
    if spec.securityContext:
        yield from _given(spec.securityContext, "spec.securityContext", (*POD_SECURITY_FIELDS, *of_security))
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(getattr(spec, field) or ()):
            yield from _of_container(container, f"spec.{field}[{index}]", of_security)


def _of_container(container: Any, path: str, of_security: Sequence[str]) -> Iterator[str]:
    yield from _given(container, path, CONTAINER_FIELDS)
    if container.securityContext:
        names = (*CONTAINER_SECURITY_FIELDS, *of_security)
        yield from _given(container.securityContext, f"{path}.securityContext", names)


def _given(item: Any, path: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in names if getattr(item, name, None))
