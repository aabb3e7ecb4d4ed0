"""What the node has, and what of it pods may use: the rest is kept for the system. Pure.

    allocatable = capacity - systemReserved - kubeReserved - evictionHard (memory, ephemeral storage)

Source: k8s.io/kubernetes/pkg/kubelet/cm/node_container_manager_linux.go.
"""

from collections.abc import Mapping

from kubelet.configuration import Configuration
from kubelet.runtime import Engine
from podling.api.quantity import Quantity
from podling.api.resources import amount

KEPT_BY_EVICTION = {"memory.available": "memory", "nodefs.available": "ephemeral-storage"}


def capacity(engine: Engine, configuration: Configuration) -> Mapping[str, str]:
    return {
        "cpu": str(engine.cpus),
        "ephemeral-storage": f"{engine.disk_bytes >> 10}Ki",
        "memory": f"{engine.memory_bytes >> 10}Ki",
        "pods": str(configuration.max_pods),
        **{name: str(Quantity(size * 10**9, "binary")) for name, size in engine.huge_pages},
    }


def allocatable(engine: Engine, configuration: Configuration) -> Mapping[str, str]:
    """Nothing falls below zero."""
    whole = capacity(engine, configuration)
    kept = _kept({name: amount(name, text) for name, text in whole.items()}, configuration)
    left = {name: max(0, amount(name, text) - kept.get(name, 0)) for name, text in whole.items()}
    milli = left["cpu"]
    return {
        "cpu": f"{milli}m" if milli % 1000 else str(milli // 1000),
        "ephemeral-storage": str(left["ephemeral-storage"]),
        "memory": f"{left['memory'] >> 10}Ki",
        "pods": str(left["pods"]),
        **{name: whole[name] for name, _ in engine.huge_pages},
    }


def reserved_bytes(configuration: Configuration) -> int:
    """The memory that pods together may not have, whatever they ask for."""
    reserved = (configuration.system_reserved, configuration.kube_reserved)
    return sum(amount("memory", each["memory"]) for each in reserved if "memory" in each)


def _kept(whole: Mapping[str, int], configuration: Configuration) -> Mapping[str, int]:
    """cpu in milli-cores, the others in bytes."""
    kept = dict.fromkeys(whole, 0)
    for reserved in (configuration.system_reserved, configuration.kube_reserved):
        for name in whole.keys() & reserved.keys():
            kept[name] += amount(name, reserved[name])
    for threshold in configuration.thresholds:
        name = KEPT_BY_EVICTION.get(threshold.signal, "")
        if name and threshold.grace_seconds is None:
            kept[name] += threshold.least.of(whole[name]).value
    return kept
