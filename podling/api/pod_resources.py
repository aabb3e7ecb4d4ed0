"""Sums of what a pod's containers ask for. Source: k8s.io/component-helpers/resource."""

from collections.abc import Mapping
from typing import Any

from podling.api.quantity import Quantity, parse

Object = dict[str, Any]  # JSON
Amounts = dict[str, Quantity]
_MILLI = 10**6


def is_huge(name: str) -> bool:
    return name.startswith("hugepages-")


def is_pod_level(name: str) -> bool:
    """Whether a pod, not only a container, may ask for it."""
    return name in ("cpu", "memory") or is_huge(name)


def amounts(found: Mapping[str, str] | None) -> Amounts:
    return {name: parse(text) for name, text in (found or {}).items()}


def rounded(text: str) -> str:
    """Up to a thousandth. Source: kubernetes/pkg/apis/core/v1/defaults.go, SetDefaults_ResourceList."""
    amount = parse(text)
    return text if amount.nanos % _MILLI == 0 else str(Quantity(-(-amount.nanos // _MILLI) * _MILLI, amount.family))


def is_sidecar(container: Object) -> bool:
    return container.get("restartPolicy") == "Always"


def aggregate(spec: Object, part: str) -> Amounts:
    """All containers run at once; init containers run one by one before, beside the sidecars that started earlier."""
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, _of(container, part))
    sidecars: Amounts = {}
    most: Amounts = {}
    for container in spec.get("initContainers") or ():
        wanted = _of(container, part)
        if is_sidecar(container):
            _add(total, wanted)
            _add(sidecars, wanted)
            wanted = dict(sidecars)
        else:
            _add(wanted, sidecars)
        _most(most, wanted)
    _most(total, most)
    return total


def _of(container: Object, part: str) -> Amounts:
    return amounts((container.get("resources") or {}).get(part))


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        before = total.get(name)
        total[name] = Quantity(before.nanos + amount.nanos, before.family) if before else amount


def _most(total: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        if name not in total or amount.nanos > total[name].nanos:
            total[name] = amount


def qos_class(spec: Object) -> str:
    """BestEffort, Burstable or Guaranteed: of cpu and memory alone.

    Source: kubernetes/pkg/apis/core/helper/qos.
    """
    requests: Amounts = {}
    limits: Amounts = {}
    guaranteed = True
    holders = [spec.get("resources") or {}] if spec.get("resources") else _container_resources(spec)
    for resources in holders:
        _add(requests, _counted(resources.get("requests")))
        found = _counted(resources.get("limits"))
        guaranteed = guaranteed and set(found) == {"cpu", "memory"}
        _add(limits, found)
    if not requests and not limits:
        return "BestEffort"
    same = all(name in limits and limits[name].nanos == amount.nanos for name, amount in requests.items())
    return "Guaranteed" if guaranteed and same and len(requests) == len(limits) else "Burstable"


def _container_resources(spec: Object) -> list[Object]:
    every = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return [container.get("resources") or {} for container in every]


def _counted(found: Mapping[str, str] | None) -> Amounts:
    return {name: each for name, each in amounts(found).items() if name in ("cpu", "memory") and each.nanos > 0}
