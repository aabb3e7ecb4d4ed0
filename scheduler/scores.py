"""Which of the nodes that can take a pod should. Each scorer gives every node 0 to 100; `SCORES` gives their weights.

Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins; spreading counts, as SelectorSpread did, the pods of the same
namespace and labels.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lightkube.models.core_v1 import Pod

from scheduler.filters import is_tolerated, taints_of, term_matches
from scheduler.snapshot import UNSAID, NodeInfo, assumed_use

BEST = 100


class Scorer(NamedTuple):
    name: str
    weight: int
    score: Callable[[Pod, Sequence[NodeInfo]], list[int]]


def least_allocated(pod: Pod, nodes: Sequence[NodeInfo]) -> list[int]:
    """The free share of cpu and memory, after the pod, equally weighted."""
    wanted = assumed_use(pod)
    return [sum(_free_share(node, name, wanted[name]) for name in UNSAID) // len(UNSAID) for node in nodes]


def _free_share(node: NodeInfo, name: str, wanted: int) -> int:
    room = node.allocatable[name]
    used = node.assumed_use[name] + wanted
    return (room - used) * BEST // room if room and used <= room else 0


def preferred_affinity(pod: Pod, nodes: Sequence[NodeInfo]) -> list[int]:
    spec: Any = pod.spec
    affinity = spec.affinity and spec.affinity.nodeAffinity
    preferred = affinity and affinity.preferredDuringSchedulingIgnoredDuringExecution
    sums = [sum(term.weight for term in preferred or () if term_matches(term.preference, node)) for node in nodes]
    return _normalized(sums)


def preferred_taints(pod: Pod, nodes: Sequence[NodeInfo]) -> list[int]:
    """Fewer untolerated PreferNoSchedule taints are better."""
    counts = [
        sum(taint["effect"] == "PreferNoSchedule" and not is_tolerated(pod, taint) for taint in taints_of(node))
        for node in nodes
    ]
    return [BEST - score for score in _normalized(counts)]


def spreading(pod: Pod, nodes: Sequence[NodeInfo]) -> list[int]:
    """Fewer pods of the same namespace and labels are better; a pod without labels has no equals."""
    metadata: Any = pod.metadata
    counts = [
        sum(
            other.metadata.namespace == metadata.namespace and other.metadata.labels == metadata.labels
            for other in node.pods.values()
        )
        for node in nodes
    ]
    return [BEST - score for score in _normalized(counts)] if metadata.labels else [0] * len(nodes)


def _normalized(values: list[int]) -> list[int]:
    most = max(values, default=0)
    return [value * BEST // most if most else 0 for value in values]


SCORES: tuple[Scorer, ...] = (
    Scorer("NodeResourcesLeastAllocated", 1, least_allocated),
    Scorer("NodeAffinity", 2, preferred_affinity),
    Scorer("TaintToleration", 3, preferred_taints),
    Scorer("Spreading", 2, spreading),
)
