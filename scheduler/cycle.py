"""One decision: the best node for a pod, or why there is none. Pure: nodes in, verdicts out.

nodes ──filters──▶ those that fit ──scores──▶ the best
            │ none fits
            └──▶ "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable."
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lightkube.models.core_v1 import Pod

from scheduler.filters import FILTERS
from scheduler.scores import SCORES
from scheduler.snapshot import NodeInfo

NO_NODES = "no nodes available to schedule pods"


class FilterVerdict(NamedTuple):
    name: str
    reasons: Sequence[str]


class ScoreVerdict(NamedTuple):
    name: str
    score: int
    weight: int


class Verdict(NamedTuple):
    """One node: what each filter said up to the first refusal, and, where it fits, its scores."""

    node: str
    filters: Sequence[FilterVerdict]
    scores: Sequence[ScoreVerdict] = ()

    @property
    def fits(self) -> bool:
        return not self.filters[-1].reasons

    @property
    def total(self) -> int:
        return sum(score.score * score.weight for score in self.scores)


class Placement(NamedTuple):
    """`node` is "" when none fits; `refused_by` are then the filters that stood in the way."""

    node: str
    message: str
    refused_by: frozenset[str]
    verdicts: Sequence[Verdict]


def place(pod: Pod, nodes: Sequence[NodeInfo]) -> Placement:
    """Verdicts come best first, refused nodes last; equals in the order of their names."""
    judged = [Verdict(node.name, judge(pod, node)) for node in nodes]
    fitting = [node for node, verdict in zip(nodes, judged, strict=True) if verdict.fits]
    scores = {node.name: row for node, row in zip(fitting, score(pod, fitting), strict=True)}
    judged = [verdict._replace(scores=scores.get(verdict.node, ())) for verdict in judged]
    judged.sort(key=lambda verdict: (not verdict.fits, -verdict.total, verdict.node))
    if fitting:
        return Placement(judged[0].node, f"{judged[0].node} scores best", frozenset(), judged)
    refusals = [verdict.filters[-1] for verdict in judged]
    return Placement("", explain(refusals), frozenset(refusal.name for refusal in refusals), judged)


def judge(pod: Pod, node: NodeInfo) -> Sequence[FilterVerdict]:
    verdicts = []
    for filter_ in FILTERS:
        verdicts.append(FilterVerdict(filter_.name, filter_.refuse(pod, node)))
        if verdicts[-1].reasons:
            break
    return verdicts


def score(pod: Pod, nodes: Sequence[NodeInfo]) -> Iterable[Sequence[ScoreVerdict]]:
    """A row a node."""
    columns = [[ScoreVerdict(s.name, value, s.weight) for value in s.score(pod, nodes)] for s in SCORES]
    return zip(*columns, strict=True) if nodes else ()


def explain(refusals: Sequence[FilterVerdict]) -> str:
    """kube-scheduler's sentence: how many nodes were refused for each reason."""
    if not refusals:
        return NO_NODES
    reasons = Counter(reason for refusal in refusals for reason in refusal.reasons)
    counted = sorted(f"{count} {reason}" for reason, count in reasons.items())
    return f"0/{len(refusals)} nodes are available: {', '.join(counted)}."
