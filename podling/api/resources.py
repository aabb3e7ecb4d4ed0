"""What a pod asks of a node. Source: k8s.io/component-helpers/resource, pkg/apis/core/v1/helper/qos.

Amounts are integers: cpu in milli-cores, everything else in its own unit (bytes, counts).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from podling.api.quantity import parse

CPU, MEMORY, STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
Amounts = Mapping[str, int]


def amount(resource: str, quantity: str) -> int:
    parsed = parse(quantity)
    return parsed.milli if resource == CPU else parsed.value


def amounts(quantities: Mapping[str, str] | None) -> Counter[str]:
    return Counter({name: amount(name, str(quantity)) for name, quantity in (quantities or {}).items()})


def requests(spec: Any) -> Counter[str]:
    """What the pod of this typed PodSpec reserves: the larger of its containers together and any moment of its init
    containers, sidecars (restartable init containers) counted from their start on; pod-level requests win; overhead."""
    return _reserved(spec, "requests")


def limits(spec: Any) -> Counter[str]:
    return _reserved(spec, "limits")


def _reserved(spec: Any, what: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for container in spec.containers or ():
        total += _of(container, what)
    sidecars: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for container in spec.initContainers or ():
        if container.restartPolicy == "Always":
            sidecars += _of(container, what)
            peak |= sidecars
        else:
            peak |= sidecars + _of(container, what)
    total = (total + sidecars) | peak
    if spec.resources is not None:
        total.update({key: value - total[key] for key, value in amounts(getattr(spec.resources, what)).items()})
    return total + amounts(spec.overhead)


def _of(container: Any, what: str) -> Counter[str]:
    return amounts(getattr(container.resources, what)) if container.resources else Counter()


def qos_class(spec: Any) -> str:
    """Guaranteed: every container limits cpu and memory and requests as much. BestEffort: nothing is said."""
    containers = [*(spec.containers or ()), *(spec.initContainers or ())]
    pairs = [_both(container.resources) for container in containers]
    if spec.resources is not None:
        pairs = [_both(spec.resources)]
    if not any(requested or limited for requested, limited in pairs):
        return "BestEffort"
    guaranteed = all(
        limited.keys() == {CPU, MEMORY} and all(requested.get(key, limited[key]) == limited[key] for key in limited)
        for requested, limited in pairs
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _both(resources: Any) -> tuple[dict[str, int], dict[str, int]]:
    if resources is None:
        return {}, {}
    return _compute(resources.requests), _compute(resources.limits)


def _compute(quantities: Mapping[str, str] | None) -> dict[str, int]:
    return {key: value for key, value in amounts(quantities).items() if key in (CPU, MEMORY) and value}
