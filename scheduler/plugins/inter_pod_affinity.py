"""Pods that want to be near others, or far from them, where near means: in the same domain of a topology key.

    refused   no pod matching a required affinity term in the node's domain, unless the pod is the first of its kind
              a pod matching a required anti-affinity term in it
              a pod in it whose own required anti-affinity matches this one
    scored    by the preferred terms, the pod's own and those of the pods that are there
Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from scheduler.plugins.plugin import BEST, Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Places, Snapshot
from scheduler.terms import Likeness

NOT_NEAR = Refusal(["node(s) didn't match pod affinity rules"], final=True)
TOO_NEAR = Refusal(["node(s) didn't match pod anti-affinity rules"])
UNWELCOME = Refusal(["node(s) didn't satisfy existing pods anti-affinity rules"])
Domains = dict[str, Counter[str]]  # by topology key and the value that a node has of it


def prepare(pod: PodInfo, snapshot: Snapshot) -> "InterPodAffinity":
    return InterPodAffinity(pod, snapshot)


class InterPodAffinity:
    """Counts of pods by domain: `wanted` match all required affinity terms, `unwanted` an anti-affinity term, each
    once a term; `unwelcoming` have a term against this pod."""

    def __init__(self, pod: PodInfo, snapshot: Snapshot) -> None:
        self._pod, self._nodes, self._namespaces = pod, snapshot.nodes, snapshot.namespaces
        self._wanted: Domains = {term.topology_key: Counter() for term in pod.terms.affinity}
        self._unwanted: Domains = {term.topology_key: Counter() for term in pod.terms.anti}
        self._unwelcoming: Domains = {}
        for term, places in snapshot.anti.items():
            if term.matches(pod.likeness, self._namespaces):
                tell(self._unwelcoming, term.topology_key, places, self._nodes)
        if pod.terms.affinity or pod.terms.anti:
            for likeness, places in snapshot.alike.items():
                self._see(likeness, places)

    def refuse(self, node: NodeInfo) -> Refusal | None:
        if self._wanted and not self._is_near(node):
            return NOT_NEAR
        if self._unwanted and any(here(self._unwanted, node)):
            return TOO_NEAR
        if self._unwelcoming and any(here(self._unwelcoming, node)):
            return UNWELCOME
        return None

    def move(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        there = Counter({node.name: by})
        for term in pod.terms.anti:
            if term.matches(self._pod.likeness, self._namespaces):
                tell(self._unwelcoming, term.topology_key, there, self._nodes)
        self._see(pod.likeness, there)

    def _is_near(self, node: NodeInfo) -> bool:
        if not self._wanted.keys() <= node.labels.keys():
            return False
        if all(here(self._wanted, node)):
            return True
        # The first pod of a group that wants to be together may start anywhere.
        nobody = not any(count for counts in self._wanted.values() for count in counts.values())
        return nobody and self._matches_all(self._pod.likeness)

    def _see(self, likeness: Likeness, places: Places) -> None:
        if self._wanted and self._matches_all(likeness):
            for term in self._pod.terms.affinity:
                tell(self._wanted, term.topology_key, places, self._nodes)
        for term in self._pod.terms.anti:
            if term.matches(likeness, self._namespaces):
                tell(self._unwanted, term.topology_key, places, self._nodes)

    def _matches_all(self, likeness: Likeness) -> bool:
        return all(term.matches(likeness, self._namespaces) for term in self._pod.terms.affinity)


def tell(domains: Domains, key: str, places: Places, nodes: Mapping[str, NodeInfo], weight: int = 1) -> None:
    counts = domains.setdefault(key, Counter())
    for name, count in places.items():
        if (value := nodes[name].labels.get(key)) is not None:
            counts[value] += weight * count


def here(domains: Domains, node: NodeInfo) -> Iterable[int]:
    """What is counted in the domains that the node belongs to, key by key."""
    return (counts.get(node.labels.get(key, ""), 0) if key in node.labels else 0 for key, counts in domains.items())


def score(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """The weights of all terms that speak for or against a node's domains; the worst node 0, the best 100."""
    worth = _worth(pod, snapshot)
    if not worth:
        return None
    sums = [sum(here(worth, node)) for node in nodes]
    least, most = min(sums), max(sums)
    return [BEST * (value - least) // (most - least) if most > least else 0 for value in sums]


def _worth(pod: PodInfo, snapshot: Snapshot) -> Domains:
    worth: Domains = {}
    for (term, weight), places in snapshot.pull.items():
        if term.matches(pod.likeness, snapshot.namespaces):
            tell(worth, term.topology_key, places, snapshot.nodes, weight)
    for term, weight in pod.terms.preferred:
        for likeness, places in snapshot.alike.items():
            if term.matches(likeness, snapshot.namespaces):
                tell(worth, term.topology_key, places, snapshot.nodes, weight)
    return worth
