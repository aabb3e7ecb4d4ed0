"""Nodes chosen by their labels and names: nodeSelector, and node affinity, required or preferred."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from podling.api import selectors
from scheduler.plugins.plugin import Check, Plain, Refusal, normalized
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

REFUSED = Refusal(["node(s) didn't match Pod's node affinity/selector"], final=True)
NOT_NAMED = Refusal(["node(s) didn't satisfy plugin(s) [NodeAffinity]"], final=True)
Matches = Callable[[NodeInfo], bool]


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    wanted = required(pod)

    def refuse(node: NodeInfo) -> Refusal | None:
        return None if wanted is None or wanted(node) else REFUSED

    return Plain(refuse) if wanted else None


def prepare_named(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    """Where every term names nodes, as a DaemonSet's does, the others are not even looked at: that is said first."""
    named = _named(_terms(pod))

    def refuse(node: NodeInfo) -> Refusal | None:
        return None if named is None or node.name in named else NOT_NAMED

    return None if named is None else Plain(refuse)


def score(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """The weights of the preferred terms that match."""
    affinity = _affinity(pod)
    preferred = affinity and affinity.preferredDuringSchedulingIgnoredDuringExecution
    if not preferred:
        return None
    terms = [(matcher(each.preference), each.weight) for each in preferred]
    return normalized([sum(weight for matches, weight in terms if matches(node)) for node in nodes])


def required(pod: PodInfo) -> Matches | None:
    """Whether a node is of those that the pod's selector and required affinity leave; None where it has none."""
    selector: dict[str, str] = pod.pod.spec.nodeSelector or {}
    terms = _terms(pod)
    if not selector and terms is None:
        return None
    matchers = None if terms is None else [matcher(term) for term in terms]

    def matches(node: NodeInfo) -> bool:
        if any(node.labels.get(key) != value for key, value in selector.items()):
            return False
        return matchers is None or any(matches_term(node) for matches_term in matchers)

    return matches


def matcher(term: Any) -> Matches:
    """One NodeSelectorTerm: all its expressions over labels and fields; a term without any matches nothing."""
    expressions = _requirements(term.matchExpressions)
    fields = _requirements(term.matchFields)

    def matches(node: NodeInfo) -> bool:
        return selectors.matches(expressions, node.labels) and selectors.matches(fields, {"metadata.name": node.name})

    return matches if expressions or fields else lambda node: False


def _requirements(found: Iterable[Any] | None) -> list[selectors.Requirement]:
    return [selectors.from_expression(expression.to_dict()) for expression in found or ()]


def _affinity(pod: PodInfo) -> Any:
    affinity: Any = pod.pod.spec.affinity
    return affinity and affinity.nodeAffinity


def _terms(pod: PodInfo) -> Sequence[Any] | None:
    affinity = _affinity(pod)
    found = affinity and affinity.requiredDuringSchedulingIgnoredDuringExecution
    return found.nodeSelectorTerms if found else None


def _named(terms: Sequence[Any] | None) -> frozenset[str] | None:
    """The names that a node must have one of; None where some term takes any name."""
    names: set[str] = set()
    for term in terms or ():
        asked = [set(each.values or ()) for each in term.matchFields or () if each.operator == "In"]
        if not asked:
            return None
        names |= set.intersection(*asked)
    return frozenset(names) if terms else None
