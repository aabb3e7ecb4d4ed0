"""What a container and a pod as a whole may use, as the engine and the kernel take it. Pure.

Source of the pod's: k8s.io/kubernetes/pkg/kubelet/cm/helpers_linux.go, ResourceConfigForPod.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kubelet.cgroups.resources import cpu_milli, limit, quality_of, shares
from podling.api import quantity, resources

HUGE = "hugepages-"
LEAST_QUOTA_MILLI = 10


class Limits(NamedTuple):
    """Of one container. 0 is no limit, and of `cpu_shares` the engine's default."""

    cpu_shares: int = 0
    cpu_quota_milli: int = 0
    memory_bytes: int = 0


class PodLimits(NamedTuple):
    """Of all containers of a pod together. 0 is no limit; `huge` has page sizes in bytes and what may be used of each;
    `required`: the pod itself asks for them, so that it must not run without."""

    cpu_shares: int = 0
    cpu_quota_milli: int = 0
    memory_bytes: int = 0
    huge: tuple[tuple[int, int], ...] = ()
    required: bool = False

    def looser(self, other: "PodLimits") -> "PodLimits":
        """Wide enough for both: on the way from one to the other no container is in its pod's way."""
        return self._replace(
            cpu_quota_milli=_looser(self.cpu_quota_milli, other.cpu_quota_milli),
            memory_bytes=_looser(self.memory_bytes, other.memory_bytes),
        )


def _looser(one: int, other: int) -> int:
    return max(one, other) if one and other else 0


def container_limits(container: Any) -> Limits:
    return Limits(shares(cpu_milli(container)), quota_milli(limit(container, "cpu", True)), limit(container, "memory"))


def quota_milli(milli: int) -> int:
    """What the kernel can count."""
    return max(LEAST_QUOTA_MILLI, milli) if milli else 0


def pod_limits(pod: Any) -> PodLimits:
    spec = pod.spec
    asked, most = resources.requests(spec), resources.limits(spec)
    quality = quality_of(pod)
    huge = tuple(
        (quantity.parse(name.removeprefix(HUGE)).value, amount)
        for name, amount in sorted(most.items())
        if name.startswith(HUGE)
    )
    if quality == "BestEffort":
        return PodLimits(shares(0), huge=huge)
    return PodLimits(
        cpu_shares=shares(asked[resources.CPU] or most[resources.CPU]),
        cpu_quota_milli=quota_milli(most[resources.CPU]) if _all_limit(spec, "cpu") else 0,
        memory_bytes=most[resources.MEMORY] if _all_limit(spec, "memory") else 0,
        huge=huge,
        required=bool(huge or (spec.resources and _given(spec.resources.limits))),
    )


def _all_limit(spec: Any, name: str) -> bool:
    """The sum of limits is one only where every container has one, or the pod itself says so."""
    if spec.resources and name in _given(spec.resources.limits):
        return True
    return all(limit(each, name, milli=True) for each in [*spec.containers, *(spec.initContainers or ())])


def _given(amounts: Mapping[str, str] | None) -> Mapping[str, str]:
    return amounts or {}
