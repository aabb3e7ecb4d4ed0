"""Pods that want to be near others, or far from them, where near means: in the same domain of a topology key.

    refused   no pod matching a required affinity term in the node's domain, unless the pod is the first of its kind
              a pod matching a required anti-affinity term in it
              a pod in it whose own required anti-affinity matches this one
    scored    by the preferred terms, the pod's own and those of the pods that are there
Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity.
"""

from collections import Counter
from collections.abc import Sequence

from scheduler.plugins.plugin import BEST, Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Places, Snapshot
from scheduler.terms import Likeness

NOT_NEAR = Refusal(["node(s) didn't match pod affinity rules"], final=True)
TOO_NEAR = Refusal(["node(s) didn't match pod anti-affinity rules"])
UNWELCOME = Refusal(["node(s) didn't satisfy existing pods anti-affinity rules"])
Domain = tuple[str, str]  # topology key and a node's value of it


def prepare(pod: PodInfo, snapshot: Snapshot) -> "InterPodAffinity":
    return InterPodAffinity(pod, snapshot)


class InterPodAffinity:
    """Counts of pods by domain: `wanted` match all required affinity terms, `unwanted` an anti-affinity term, each
    once a term; `unwelcoming` have a term against this pod."""

    def __init__(self, pod: PodInfo, snapshot: Snapshot) -> None:
        self._pod, self._nodes, self._namespaces = pod, snapshot.nodes, snapshot.namespaces
        self._wanted: Counter[Domain] = Counter()
        self._unwanted: Counter[Domain] = Counter()
        self._unwelcoming: Counter[Domain] = Counter()
        for term, places in snapshot.anti.items():
            if term.matches(pod.likeness, self._namespaces):
                self._tell(self._unwelcoming, term.topology_key, places)
        if pod.terms.affinity or pod.terms.anti:
            for likeness, places in snapshot.alike.items():
                self._see(likeness, places)

    def refuse(self, node: NodeInfo) -> Refusal | None:
        terms = self._pod.terms
        if terms.affinity and not self._is_near(node):
            return NOT_NEAR
        for term in terms.anti:
            value = node.labels.get(term.topology_key)
            if value is not None and self._unwanted[term.topology_key, value] > 0:
                return TOO_NEAR
        if any(count > 0 and node.labels.get(key) == value for (key, value), count in self._unwelcoming.items()):
            return UNWELCOME
        return None

    def move(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        there = Counter({node.name: by})
        for term in pod.terms.anti:
            if term.matches(self._pod.likeness, self._namespaces):
                self._tell(self._unwelcoming, term.topology_key, there)
        self._see(pod.likeness, there)

    def _is_near(self, node: NodeInfo) -> bool:
        domains = [(term.topology_key, node.labels.get(term.topology_key)) for term in self._pod.terms.affinity]
        if any(value is None for _, value in domains):
            return False
        if all(self._wanted[key, str(value)] > 0 for key, value in domains):
            return True
        # The first pod of a group that wants to be together may start anywhere.
        return not any(self._wanted.values()) and self._matches_all(self._pod.likeness)

    def _see(self, likeness: Likeness, places: Places) -> None:
        if self._pod.terms.affinity and self._matches_all(likeness):
            for term in self._pod.terms.affinity:
                self._tell(self._wanted, term.topology_key, places)
        for term in self._pod.terms.anti:
            if term.matches(likeness, self._namespaces):
                self._tell(self._unwanted, term.topology_key, places)

    def _matches_all(self, likeness: Likeness) -> bool:
        return all(term.matches(likeness, self._namespaces) for term in self._pod.terms.affinity)

    def _tell(self, counts: Counter[Domain], key: str, places: Places) -> None:
        for name, count in places.items():
            value = self._nodes[name].labels.get(key)
            if value is not None:
                counts[key, value] += count


def score(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    """The weights of all terms that speak for or against a node's domains; the worst node 0, the best 100."""
    worth = _worth(pod, snapshot)
    if not worth:
        return None
    sums = [sum(value for (key, domain), value in worth.items() if node.labels.get(key) == domain) for node in nodes]
    least, most = min(sums), max(sums)
    return [BEST * (value - least) // (most - least) if most > least else 0 for value in sums]


def _worth(pod: PodInfo, snapshot: Snapshot) -> Counter[Domain]:
    worth: Counter[Domain] = Counter()

    def tell(key: str, weight: int, places: Places) -> None:
        for name, count in places.items():
            if (value := snapshot.nodes[name].labels.get(key)) is not None:
                worth[key, value] += weight * count

    for (term, weight), places in snapshot.pull.items():
        if term.matches(pod.likeness, snapshot.namespaces):
            tell(term.topology_key, weight, places)
    for term, weight in pod.terms.preferred:
        for likeness, places in snapshot.alike.items():
            if term.matches(likeness, snapshot.namespaces):
                tell(term.topology_key, weight, places)
    return worth
