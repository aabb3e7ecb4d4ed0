"""Room: what the pod requests must be free on the node; emptier and more evenly used nodes are better.

Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources; the balance as of 1.36 (#135573).
"""

from collections.abc import Sequence

from podling.api.resources import CPU, MEMORY, PODS
from scheduler.plugins.plugin import BEST, Check, Plain, Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

TOO_MANY = "Too many pods"
WEIGHED = (CPU, MEMORY)
Amounts = Sequence[tuple[str, int]]
NOTHING: Amounts = [(name, 0) for name in WEIGHED]


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check:
    wanted = [(name, amount) for name, amount in pod.requests.items() if amount > 0]

    def refuse(node: NodeInfo) -> Refusal | None:
        room, used = node.allocatable, node.requested
        reasons = [TOO_MANY] if len(node.pods) >= room[PODS] else []
        lacking = [(name, amount) for name, amount in wanted if amount > room[name] - used[name]]
        if not lacking:
            return Refusal(reasons) if reasons else None
        reasons += [f"Insufficient {name}" for name, _ in lacking]
        detail = ", ".join(f"{name}: wants {amount}, free {room[name] - used[name]}" for name, amount in lacking)
        return Refusal(reasons, final=any(amount > room[name] for name, amount in lacking), detail=detail)

    return Plain(refuse)


def least_allocated(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int]:
    """The free share of cpu and memory, after the pod, equally weighted."""
    wanted = [(name, pod.assumed_use[name]) for name in WEIGHED]
    return [_free(node, wanted) for node in nodes]


def _free(node: NodeInfo, wanted: Amounts) -> int:
    shares, count = 0, 0
    for name, amount in wanted:
        if room := node.allocatable[name]:
            used = node.assumed_use[name] + amount
            shares += (room - used) * BEST // room if used <= room else 0
            count += 1
    return shares // count if count else 0


def balanced_allocation(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """How much nearer the used shares of cpu and memory come to each other by the pod: 75 where nothing changes, 50 to
    100. A pod that requests neither changes nothing anywhere."""
    wanted = [(name, pod.requests[name]) for name in WEIGHED]
    if not any(amount for _, amount in wanted):
        return None
    return [int(75 + (_deviation(node, NOTHING) - _deviation(node, wanted)) * BEST / 2) for node in nodes]


def _deviation(node: NodeInfo, wanted: Amounts) -> float:
    """The standard deviation of the two used shares."""
    (one, more), (other, most) = wanted
    room, space = node.allocatable[one], node.allocatable[other]
    if not room or not space:
        return 0.0
    share, part = (node.requested[one] + more) / room, (node.requested[other] + most) / space
    return abs(min(share, 1.0) - min(part, 1.0)) / 2
