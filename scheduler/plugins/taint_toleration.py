"""Taints keep pods off a node that do not tolerate them; those of effect PreferNoSchedule only if they can."""

from collections.abc import Sequence
from typing import Any

from podling.api.taints import tolerates
from scheduler.plugins.plugin import Check, Plain, Refusal, normalized
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

# Which taint is not said: its key may be nothing for the pod's owner to know. Source: kubernetes/kubernetes#134740.
REASONS = ["node(s) had untolerated taint(s)"]
HARD = ("NoSchedule", "NoExecute")


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check:
    def refuse(node: NodeInfo) -> Refusal | None:
        taint = untolerated(pod, node) if node.taints else None
        return Refusal(REASONS, final=True, detail=f"{{{taint.key}: {taint.value or ''}}}") if taint else None

    return Plain(refuse)


def score(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """Fewer untolerated PreferNoSchedule taints are better."""
    if not any(node.taints for node in nodes):
        return None
    counts = [
        sum(taint.effect == "PreferNoSchedule" and not is_tolerated(pod, taint) for taint in node.taints)
        for node in nodes
    ]
    return normalized(counts, reverse=True)


def untolerated(pod: PodInfo, node: NodeInfo) -> Any:
    """The first taint that keeps the pod off; None: none does."""
    return next((taint for taint in node.taints if taint.effect in HARD and not is_tolerated(pod, taint)), None)


def is_tolerated(pod: PodInfo, taint: Any) -> bool:
    tolerations = pod.pod.spec.tolerations or ()
    return any(tolerates(each, taint.key, taint.value or "", taint.effect) for each in tolerations)
