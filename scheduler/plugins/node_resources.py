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


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check:
    wanted = [(name, amount) for name, amount in pod.requests.items() if amount > 0]

    def refuse(node: NodeInfo) -> Refusal | None:
        room, used = node.allocatable, node.requested
        reasons = [TOO_MANY] if len(node.pods) >= room[PODS] else []
        lacking = [(name, amount) for name, amount in wanted if amount > room[name] - used[name]]
        if not lacking:
            return Refusal(reasons) if reasons else None
        reasons += [f"Insufficient {name}" for name, _ in lacking]
        return Refusal(reasons, final=any(amount > room[name] for name, amount in lacking))

    return Plain(refuse)


def least_allocated(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int]:
    """The free share of cpu and memory, after the pod, equally weighted."""
    return [_free(node, pod) for node in nodes]


def _free(node: NodeInfo, pod: PodInfo) -> int:
    shares = []
    for name in WEIGHED:
        if room := node.allocatable[name]:
            used = node.assumed_use[name] + pod.assumed_use[name]
            shares.append((room - used) * BEST // room if used <= room else 0)
    return sum(shares) // len(shares) if shares else 0


def balanced_allocation(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """How much nearer the used shares of cpu and memory come to each other by the pod: 75 where nothing changes, 50 to
    100. A pod that requests neither changes nothing anywhere."""
    if not any(pod.requests[name] for name in WEIGHED):
        return None
    return [int(75 + (_deviation(node) - _deviation(node, pod)) * BEST / 2) for node in nodes]


def _deviation(node: NodeInfo, pod: PodInfo | None = None) -> float:
    """The standard deviation of the two shares."""
    shares = [
        min(1.0, (node.requested[name] + (pod.requests[name] if pod else 0)) / room)
        for name in WEIGHED
        if (room := node.allocatable[name])
    ]
    return abs(shares[0] - shares[1]) / 2 if len(shares) == 2 else 0.0
