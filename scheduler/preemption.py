"""Room by force: which less important pods must go from which node, so that a pod that fits nowhere fits. Pure.

On each node that was not refused for good: take away every pod of lower priority; if the pod fits now, put them back,
the most important first, as long as it still fits. Those that stay away are the victims. Among nodes the one is
best whose victims matter least.
Source: k8s.io/kubernetes/pkg/scheduler/framework/preemption, plugins/defaultpreemption.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scheduler.cycle import Cycle, Refused, explain
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo

REASON = "PreemptionByScheduler"
NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "not eligible due to preemptionPolicy=Never."
TERMINATING = "not eligible due to a terminating pod on the nominated node."
_LOWEST = 2**31  # makes every priority count as more than nobody


class Preemption(NamedTuple):
    """`node` "": nobody is to go, and `message` says why. `keeps_nomination`: room is on its way already."""

    node: str
    victims: Sequence[PodInfo]
    message: str
    keeps_nomination: bool = False


def preempt(cycle: Cycle, refused: Mapping[str, Refused]) -> Preemption:
    """For a pod that all nodes refused."""
    if not_eligible := _not_eligible(cycle, refused):
        return Preemption("", (), not_eligible, keeps_nomination=True)
    candidates: list[Preemption] = []
    reasons: list[Sequence[str]] = []
    for name, refusal in refused.items():
        if refusal.final:
            reasons.append((NOT_HELPFUL,))
            continue
        victims, why_not = _victims(cycle, cycle.snapshot.nodes[name])
        if victims:
            candidates.append(Preemption(name, victims, ""))
        else:
            reasons.append(why_not)
    if candidates:
        return min(candidates, key=_cost)
    return Preemption("", (), explain(len(refused), reasons))


def _not_eligible(cycle: Cycle, refused: Mapping[str, Refused]) -> str:
    pod = cycle.pod
    if pod.pod.spec.preemptionPolicy == "Never":
        return NEVER
    node = cycle.snapshot.nodes.get(pod.nominated_node)
    if node is None or (said := refused.get(node.name)) is None or said.final:
        return ""
    leaving = any(other.priority < pod.priority and _was_preempted(other) for other in node.pods.values())
    return TERMINATING if leaving else ""


def _was_preempted(pod: PodInfo) -> bool:
    status: Any = pod.pod.status
    conditions = (status.conditions if status else None) or ()
    told = any(c.type == "DisruptionTarget" and c.status == "True" and c.reason == REASON for c in conditions)
    return told and pod.pod.metadata.deletionTimestamp is not None


def _victims(cycle: Cycle, node: NodeInfo) -> tuple[Sequence[PodInfo], Sequence[str]]:
    """The least important that must go, the most important of them first; or why this node is none."""
    if min(node.priorities, default=cycle.pod.priority) >= cycle.pod.priority:
        return (), (NO_VICTIMS,)
    less = sorted((other for other in node.pods.values() if other.priority < cycle.pod.priority), key=_importance)
    emptied = node.copy()
    for other in less:
        cycle.remove(other, emptied)
    refused = cycle.judge(emptied)
    victims = less if refused else [other for other in less if not _stays(cycle, other, emptied)]
    for other in victims:
        cycle.add(other, emptied)  # the cycle's counts are as they were again
    return ((), refused.reasons) if refused else (victims, ())


def _stays(cycle: Cycle, pod: PodInfo, node: NodeInfo) -> bool:
    cycle.add(pod, node)
    if cycle.judge(node) is None:
        return True
    cycle.remove(pod, node)
    return False


def _importance(pod: PodInfo) -> tuple[int, float]:
    """Most important first: higher priority, then longer running."""
    return -pod.priority, _started(pod)


def _started(pod: PodInfo) -> float:
    started = pod.pod.status.startTime if pod.pod.status else None
    return started.timestamp() if started else float("inf")


def _cost(candidate: Preemption) -> tuple[int, int, int, float, str]:
    """The least: lowest highest priority, then priorities together, then number, then the shortest running."""
    victims = candidate.victims
    highest = victims[0].priority
    earliest = min(_started(pod) for pod in victims if pod.priority == highest)
    return highest, sum(pod.priority + _LOWEST for pod in victims), len(victims), -earliest, candidate.node
