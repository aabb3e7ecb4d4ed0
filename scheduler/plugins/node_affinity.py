"""Nodes chosen by their labels and names: nodeSelector, and node affinity, required or preferred."""

from collections.abc import Callable, Sequence
from typing import Any

from podling.api import node_affinity
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
    terms = [(node_affinity.matcher(each.preference), each.weight) for each in preferred]
    return normalized([sum(weight for matches, weight in terms if matches(node.labels, node.name)) for node in nodes])


def required(pod: PodInfo) -> Matches | None:
    """Whether a node is of those that the pod's selector and required affinity leave; None where it has none."""
    wanted = node_affinity.required(pod.pod.spec)
    return None if wanted is None else lambda node: wanted(node.labels, node.name)


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
