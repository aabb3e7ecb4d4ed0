"""Which pod goes first where the node runs short, what is said of it, and who is let in meanwhile. Pure.

    memory             those that use more than they asked for; then by priority; then by how much more they use
    ephemeral-storage  the same
    inodes             the same: nobody asks for inodes
    pids               by priority, then by number of processes

Source: k8s.io/kubernetes/pkg/kubelet/eviction/{eviction_manager,helpers}.go.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kubelet.cgroups.resources import quality_of
from kubelet.memory import Failure
from kubelet.node.pressure import Pressure
from kubelet.node.thresholds import Observation, Threshold, amount
from kubelet.static.pods import is_static
from podling.api import resources
from podling.api.quantity import Quantity, parse
from podling.api.resources import STORAGE
from podling.api.taints import tolerates

REASON = "Evicted"
SYSTEM_CRITICAL = 2_000_000_000
HARD_GRACE_SECONDS = 1
MEMORY_PRESSURE_TAINT = "node.kubernetes.io/memory-pressure"


class ContainerUsage(NamedTuple):
    """Working set; the writable layer and the log. None: not known."""

    name: str
    memory_bytes: int | None = None
    disk_bytes: int | None = None


class PodUsage(NamedTuple):
    """What a pod uses. `volumes` are its emptyDirs and other local volumes on disk, in bytes."""

    containers: Sequence[ContainerUsage] = ()
    volumes: Mapping[str, int] = {}
    inodes: int = 0
    processes: int = 0

    def of(self, resource: str) -> int:
        match resource:
            case "memory":
                return sum(each.memory_bytes or 0 for each in self.containers)
            case "ephemeral-storage":
                return sum(each.disk_bytes or 0 for each in self.containers) + sum(self.volumes.values())
            case "inodes":
                return self.inodes
            case _:
                return self.processes


def is_critical(pod: Any) -> bool:
    """Never evicted, always let in: static pods and those of the system's own priority classes."""
    return is_static(pod) or (pod.spec.priority or 0) >= SYSTEM_CRITICAL


def rank(pods: Sequence[Any], resource: str, usages: Mapping[str, PodUsage]) -> Sequence[Any]:
    """First comes who goes first. `usages` by uid; a pod of which nothing is known goes before the others."""
    known = usages.get
    if resource == "pids":
        processes = {pod.metadata.uid: (known(pod.metadata.uid) or PodUsage()).processes for pod in pods}
        return sorted(pods, key=lambda pod: (pod.spec.priority or 0, -processes[pod.metadata.uid]))

    def order(pod: Any) -> tuple[bool, bool, int, int]:
        usage = known(pod.metadata.uid)
        excess = (usage.of(resource) if usage else 0) - resources.requests(pod.spec)[resource]
        return usage is not None, excess <= 0, pod.spec.priority or 0, -excess

    return sorted(pods, key=order)


def evicted(pod: Any, met: Threshold, seen: Observation, usage: PodUsage | None, max_grace_seconds: int) -> Failure:
    """`max_grace_seconds` is for soft thresholds; at hard ones there is no time."""
    text = message(pod, met, seen, usage)
    grace = HARD_GRACE_SECONDS if met.grace_seconds is None else max_grace_seconds
    own = pod.spec.terminationGracePeriodSeconds
    return Failure(REASON, text, grace if own is None else min(grace, own), disruption(text))


def over_limit(pod: Any, usage: PodUsage) -> Failure | None:
    """A pod that uses more of the node's disk than it may goes, however much is free."""
    for volume in pod.spec.volumes or ():
        most = parse(volume.emptyDir.sizeLimit) if volume.emptyDir and volume.emptyDir.sizeLimit else None
        if most and 0 < most.value < usage.volumes.get(volume.name, 0):
            return _over(f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{most}". ')
    whole = resources.limits(pod.spec)[STORAGE]
    if 0 < whole < usage.of(STORAGE):
        return _over(f"Pod ephemeral local storage usage exceeds the total limit of containers {amount(whole)}. ")
    used = {each.name: each.disk_bytes or 0 for each in usage.containers}
    for container in pod.spec.containers:
        text = ((container.resources.limits if container.resources else None) or {}).get(STORAGE)
        if text and 0 < parse(text).value < used.get(container.name, 0):
            return _over(f'Container {container.name} exceeded its local ephemeral storage limit "{parse(text)}". ')
    return None


def has_disk_limit(pod: Any) -> bool:
    """Whether `over_limit` needs to know what the pod uses."""
    sized = any(volume.emptyDir and volume.emptyDir.sizeLimit for volume in pod.spec.volumes or ())
    return sized or resources.limits(pod.spec)[STORAGE] > 0


def _over(text: str) -> Failure:
    return Failure(REASON, text, HARD_GRACE_SECONDS, disruption(text))


def disruption(text: str) -> tuple[Mapping[str, str], ...]:
    return ({"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": text},)


def message(pod: Any, met: Threshold, seen: Observation, usage: PodUsage | None) -> str:
    least, available = met.least.of(seen.capacity), amount(seen.available)
    parts = [
        f"The node was low on resource: {met.resource}. ",
        f"Threshold quantity: {least}, available: {available}. ",
    ]
    used: Callable[[ContainerUsage], int | None] | None = {
        "memory": lambda each: each.memory_bytes,
        "ephemeral-storage": lambda each: each.disk_bytes,
    }.get(met.resource)
    asked = {
        each.name: parse(((each.resources.requests if each.resources else None) or {}).get(met.resource, "0"))
        for each in [*pod.spec.containers, *(pod.spec.initContainers or ())]
    }
    for each in usage.containers if usage and used else ():
        request: Quantity | None = asked.get(each.name)
        using = used(each) if used else None
        if request is not None and using is not None and using > request.value:
            using_text = f"Container {each.name} was using {amount(using)}, request is {request}"
            parts.append(f"{using_text}, has larger consumption of {met.resource}. ")
    return "".join(parts)


def refusal(pod: Any, pressure: Pressure) -> tuple[str, str] | None:
    """The reason and message with which a new pod is refused under pressure; None lets it in."""
    conditions = pressure.conditions
    if not conditions or is_critical(pod):
        return None
    if conditions == ["MemoryPressure"]:
        if quality_of(pod) != "BestEffort":
            return None
        if any(tolerates(each, MEMORY_PRESSURE_TAINT, "", "NoSchedule") for each in pod.spec.tolerations or ()):
            return None
    return REASON, f"The node had condition: [{' '.join(conditions)}]. "
