"""Requests and limits as the engine takes them, and the quality of service that they amount to. Pure.

Source: k8s.io/kubernetes/pkg/kubelet/cm, pkg/kubelet/qos, pkg/apis/core/v1/helper/qos.
"""

from collections.abc import Mapping
from typing import Any, Literal

from podling.api import quantity, resources

Quality = Literal["Guaranteed", "Burstable", "BestEffort"]
LEAST_SHARES = 2
MOST_SHARES = 262144


def shares(milli: int) -> int:
    """CPU shares of a request: 1024 a core."""
    return min(MOST_SHARES, max(LEAST_SHARES, milli * 1024 // 1000))


def cpu_milli(container: Any) -> int:
    """The request, else the limit."""
    return amount(container, "requests", "cpu", milli=True) or limit(container, "cpu", milli=True)


def limit(container: Any, name: str, milli: bool = False) -> int:
    return amount(container, "limits", name, milli)


def amount(container: Any, group: str, name: str, milli: bool = False) -> int:
    text = _given(container, group).get(name)
    if text is None:
        return 0
    found = quantity.parse(text)
    return found.milli if milli else found.value


def _given(container: Any, group: str) -> Mapping[str, str]:
    return (getattr(container.resources, group, None) if container.resources else None) or {}


def quality_of(pod: Any) -> Quality:
    found: Quality = resources.qos_class(pod.spec)  # type: ignore[assignment]
    return found


def oom_score_adjust(pod: Any, container: Any, memory_bytes: int) -> int:
    """The less a container asked for of the node's memory, the sooner the kernel ends it. What the pod itself asks for
    beyond its containers is shared among them; a sidecar goes no sooner than the containers that need it.
    Source: k8s.io/kubernetes/pkg/kubelet/qos/policy.go."""
    quality = quality_of(pod)
    if quality == "Guaranteed":
        return -997
    if quality == "BestEffort" or memory_bytes <= 0:
        return 1000
    regular = pod.spec.containers
    share = _pod_share(pod)
    score = _score(amount(container, "requests", "memory") + share, memory_bytes)
    if any(each is container for each in pod.spec.initContainers or ()) and container.restartPolicy == "Always":
        score = min([score, *(_score(amount(each, "requests", "memory") + share, memory_bytes) for each in regular)])
    return score


def _score(requested: int, memory_bytes: int) -> int:
    return min(999, max(3, 1000 - 1000 * requested // memory_bytes))


def _pod_share(pod: Any) -> int:
    """Of each container, in the memory that the pod as a whole asks for and no container does."""
    if pod.spec.resources is None:
        return 0
    every = [*pod.spec.containers, *(pod.spec.initContainers or ())]
    asked = resources.amounts(pod.spec.resources.requests)[resources.MEMORY]
    rest: int = asked - sum(amount(each, "requests", "memory") for each in every)
    return max(0, rest) // len(every)
