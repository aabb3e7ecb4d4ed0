"""One decision: the best node for a pod, or why there is none. Pure: a snapshot in, verdicts out.

nodes ──filters──▶ those that fit ──scores──▶ the best
            │ none fits
            └──▶ "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable."
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from scheduler.plugins import FILTERS, SCORES
from scheduler.plugins.plugin import Check, Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

NO_NODES = "no nodes available to schedule pods"


class Refused(NamedTuple):
    """A Refusal, and whose it is."""

    filter: str
    reasons: Sequence[str]
    final: bool
    detail: str


class Score(NamedTuple):
    name: str
    score: int
    weight: int


class Verdict(NamedTuple):
    """Of one node: who refused it, or its scores."""

    node: str
    refused: Refused | None
    scores: Sequence[Score] = ()

    @property
    def total(self) -> int:
        return sum(score.score * score.weight for score in self.scores)


class Placement(NamedTuple):
    """`node` is "" when none fits. Verdicts come best first, refused nodes last."""

    node: str
    message: str
    verdicts: Sequence[Verdict]

    @property
    def refused_by(self) -> frozenset[str]:
        """The filters that stood in the way; empty also when there is no node."""
        return frozenset(verdict.refused.filter for verdict in self.verdicts if verdict.refused)


class Cycle:
    """The filters, prepared for one pod. `nowhere` is set where a filter refuses every node at once."""

    def __init__(self, pod: PodInfo, snapshot: Snapshot) -> None:
        self.pod, self.snapshot = pod, snapshot
        self.nowhere: Refused | None = None
        self._checks: list[tuple[str, Check]] = []
        for filter_ in FILTERS:
            found = filter_.prepare(pod, snapshot)
            if isinstance(found, Refusal):
                self.nowhere = Refused(filter_.name, *found)
                break
            if found is not None:
                self._checks.append((filter_.name, found))

    def judge(self, node: NodeInfo) -> Refused | None:
        """A node where others wait for room is taken with them on it, if they are no less important, and without."""
        if self.snapshot.nominated and (waiting := self._waiting(node)):
            crowded = node.copy()
            for other in waiting:
                self.add(other, crowded)
            refused = self._refuse(crowded)
            for other in waiting:
                self.remove(other, crowded)
            if refused:
                return refused
        return self._refuse(node)

    def _waiting(self, node: NodeInfo) -> Sequence[PodInfo]:
        nominated = self.snapshot.nominated.get(node.name, {})
        pod = self.pod
        return [o for o in nominated.values() if o.priority >= pod.priority and o.uid != pod.uid]

    def add(self, pod: PodInfo, node: NodeInfo) -> None:
        """Hypothetically; `node` is a copy."""
        node.add(pod)
        self._move(pod, node, 1)

    def remove(self, pod: PodInfo, node: NodeInfo) -> None:
        node.remove(pod)
        self._move(pod, node, -1)

    def _move(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        for _, check in self._checks:
            check.move(pod, node, by)

    def _refuse(self, node: NodeInfo) -> Refused | None:
        if self.nowhere:
            return self.nowhere
        for name, check in self._checks:
            if refusal := check.refuse(node):
                return Refused(name, *refusal)
        return None


def place(pod: PodInfo, snapshot: Snapshot) -> Placement:
    return decide(Cycle(pod, snapshot))


def decide(cycle: Cycle) -> Placement:
    pod, nodes = cycle.pod, cycle.snapshot.nodes
    nominated = nodes.get(pod.nominated_node)
    if nominated is not None and cycle.judge(nominated) is None:
        return _best(pod, [nominated], [], cycle.snapshot)
    judged = [(node, cycle.judge(node)) for node in nodes.values()]
    refused = [Verdict(node.name, said) for node, said in judged if said]
    fitting = [node for node, said in judged if not said]
    if fitting:
        return _best(pod, fitting, refused, cycle.snapshot)
    refused.sort()
    if cycle.nowhere and nodes:
        return Placement("", f"{available(len(nodes))}: {', '.join(cycle.nowhere.reasons)}.", refused)
    return Placement("", explain(len(nodes), [v.refused.reasons for v in refused if v.refused]), refused)


def _best(pod: PodInfo, fitting: Sequence[NodeInfo], refused: Sequence[Verdict], snapshot: Snapshot) -> Placement:
    """Of equals the one with fewer pods, then the first by name."""
    scores = _scores(pod, fitting, snapshot)
    verdicts = [Verdict(node.name, None, row) for node, row in zip(fitting, scores, strict=True)]
    count = {node.name: len(node.pods) for node in fitting}
    verdicts.sort(key=lambda verdict: (-verdict.total, count[verdict.node], verdict.node))
    return Placement(verdicts[0].node, f"{verdicts[0].node} scores best", [*verdicts, *sorted(refused)])


def _scores(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> Iterable[Sequence[Score]]:
    """A row a node; where all nodes are alike to a scorer, it says nothing."""
    columns = []
    for scorer in SCORES:
        values = scorer.score(pod, nodes, snapshot)
        if values is not None:
            columns.append([Score(scorer.name, value, scorer.weight) for value in values])
    return zip(*columns, strict=True)


def explain(nodes: int, refusals: Iterable[Sequence[str]]) -> str:
    """kube-scheduler's sentence: how many nodes were refused for each reason."""
    if not nodes:
        return NO_NODES
    reasons = Counter(reason for refusal in refusals for reason in refusal)
    counted = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return f"{available(nodes)}: {', '.join(counted)}."


def available(nodes: int) -> str:
    return f"0/{nodes} nodes are available"


def by_node(placement: Placement) -> Mapping[str, Refused]:
    return {verdict.node: verdict.refused for verdict in placement.verdicts if verdict.refused}
