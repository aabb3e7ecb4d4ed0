"""What a container's status tells of its resources: `resources` as they are now, `allocatedResources` as the node
admitted them. Pure. Source: convertContainerStatusResources in k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go."""

from typing import Any

from kubelet.cgroups.limits import container_limits
from kubelet.runtime import ContainerSeen, State
from podling.api.quantity import Quantity, parse

Data = dict[str, Any]


def told_resources(container: Any, now: ContainerSeen, *, plain_init: bool = False, ephemeral: bool = False) -> Data:
    """`container` has what was admitted. Of one that runs the engine's word counts; requests of memory are nobody's
    but the node's own. A plain init container is resized when it runs again."""
    limits, requests = (dict(getattr(container.resources, side, None) or {}) for side in ("limits", "requests"))
    told: Data = {"allocatedResources": dict(requests)} if requests and not ephemeral else {}
    if now.state is State.RUNNING and not plain_init and not ephemeral:
        _as_is(container, now, limits, requests)
    return told | {"resources": {name: side for name, side in (("limits", limits), ("requests", requests)) if side}}


def told_of_pod(pod: Any) -> Data:
    """Of a pod that asks for resources itself."""
    own = pod.spec.resources
    if own is None:
        return {}
    sides = {name: dict(side) for name in ("limits", "requests") if (side := getattr(own, name))}
    return {"resources": sides} | ({"allocatedResources": sides["requests"]} if "requests" in sides else {})


def _as_is(container: Any, now: ContainerSeen, limits: Data, requests: Data) -> None:
    """Where the engine's word is that which was admitted, its spelling stays."""
    wanted, has = container_limits(container), now.limits
    if "cpu" in limits and has.cpu_quota_milli != wanted.cpu_quota_milli and has.cpu_quota_milli:
        limits["cpu"] = str(Quantity(has.cpu_quota_milli * 10**6, "decimal"))
    if "memory" in limits and has.memory_bytes != wanted.memory_bytes and has.memory_bytes:
        limits["memory"] = str(Quantity(has.memory_bytes * 10**9, parse(limits["memory"]).family))
    if "cpu" in requests and has.cpu_shares != wanted.cpu_shares and has.cpu_shares:
        milli = -(-has.cpu_shares * 1000 // 1024)
        requests["cpu"] = str(Quantity(milli * 10**6, "decimal"))
