"""What a scheduling rule is: a filter refuses nodes, a scorer weighs those that are left.

A filter is prepared once a decision, against the whole cluster, and then asked node by node; what it has counted
follows when pods are moved hypothetically (preemption, nominated pods).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

BEST = 100

# Changes of the cluster after which a refused pod may be worth another try.
NODE, ROOM, PODS, NAMESPACES = "node changed", "room made", "pods changed", "namespaces changed"


class Refusal(NamedTuple):
    """In kube-scheduler's words. `final`: no preemption of other pods can help (UnschedulableAndUnresolvable).
    `detail`: what only an administrator is told, who asks why."""

    reasons: Sequence[str]
    final: bool = False
    detail: str = ""


class Check(Protocol):
    def refuse(self, node: NodeInfo) -> Refusal | None: ...

    def move(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        """Another pod comes to the node (1) or goes from it (-1), hypothetically."""


@dataclass(frozen=True)
class Plain:
    """A check that looks at nothing but the node."""

    refuse: Callable[[NodeInfo], Refusal | None]

    def move(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        return None


class Filter(NamedTuple):
    """`prepare` answers None where the pod asks nothing of this kind, a Refusal where no node at all can do."""

    name: str
    prepare: Callable[[PodInfo, Snapshot], Check | Refusal | None]
    woken_by: frozenset[str]


class Scorer(NamedTuple):
    """`score` gives each node 0 to 100, or None where all are alike to it."""

    name: str
    weight: int
    score: Callable[[PodInfo, Sequence[NodeInfo], Snapshot], list[int] | None]


def normalized(values: list[int], *, reverse: bool = False) -> list[int]:
    """The largest becomes 100; reversed, it becomes 0. Source: framework/plugins/helper: DefaultNormalizeScore."""
    most = max(values, default=0)
    if not most:
        return [BEST if reverse else 0] * len(values)
    scaled = [value * BEST // most for value in values]
    return [BEST - value for value in scaled] if reverse else scaled
