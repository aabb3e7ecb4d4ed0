"""Requests and limits as the engine takes them, and the quality of service that they amount to. Pure.

Source: k8s.io/kubernetes/pkg/kubelet/cm, pkg/kubelet/qos, pkg/apis/core/v1/helper/qos.
"""

from collections.abc import Mapping
from typing import Any, Literal

from podling.api import quantity

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
    containers = [*(pod.spec.initContainers or ()), *pod.spec.containers]
    given = [
        (amount(each, group, name, milli=True))
        for each in containers
        for group in ("requests", "limits")
        for name in ("cpu", "memory")
    ]
    if not any(given):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(each) for each in containers) else "Burstable"


def _is_guaranteed(container: Any) -> bool:
    for name in ("cpu", "memory"):
        most = limit(container, name, milli=True)
        if not most or amount(container, "requests", name, milli=True) not in (0, most):
            return False
    return True


def oom_score_adjust(quality: Quality, container: Any, memory_bytes: int) -> int:
    """The less a container asked for of the node's memory, the sooner the kernel ends it."""
    if quality == "Guaranteed":
        return -997
    if quality == "BestEffort" or memory_bytes <= 0:
        return 1000
    score = 1000 - 1000 * amount(container, "requests", "memory") // memory_bytes
    return min(999, max(3, score))
