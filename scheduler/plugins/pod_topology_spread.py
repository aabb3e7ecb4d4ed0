"""Equal pods spread evenly over the domains of a topology key: hosts, zones.

    refused   pods like it in the node's domain, and itself, exceed the emptiest domain's by more than maxSkew
    scored    fewer pods like it in the node's domains are better (whenUnsatisfiable: ScheduleAnyway)
A pod that says nothing is spread, softly, with the pods of its services and of its controller over hosts and zones.
Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from podling.api.selectors import Selector, matches
from scheduler.plugins import node_affinity
from scheduler.plugins.plugin import BEST, Check, Refusal
from scheduler.plugins.taint_toleration import untolerated
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot
from scheduler.terms import Likeness, selector_of

NO_LABEL = Refusal(["node(s) didn't match pod topology spread constraints (missing required label)"], final=True)
SKEWED = Refusal(["node(s) didn't match pod topology spread constraints"])
HOSTNAME = "kubernetes.io/hostname"
DEFAULTS = ((HOSTNAME, 3), ("topology.kubernetes.io/zone", 5))  # topology key, maxSkew


class Constraint(NamedTuple):
    """`selector` None selects nothing. `owner`: only pods of that controller. An empty selector counts nobody, and
    yet selects the pod itself: so it is in Kubernetes."""

    max_skew: int
    topology_key: str
    selector: Selector | None
    owner: str = ""
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False

    def selects(self, pod: Likeness) -> bool:
        return self.selector is not None and self.owner in ("", pod.owner) and matches(self.selector, pod.labels)

    def counts(self, pod: Likeness, namespace: str) -> bool:
        if not (self.selector or self.owner) or pod.terminating or pod.namespace != namespace:
            return False
        return self.selects(pod)


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    constraints = asked(pod, "DoNotSchedule")
    return PodTopologySpread(pod, constraints, snapshot) if constraints else None


def asked(pod: PodInfo, when_unsatisfiable: str) -> list[Constraint]:
    return [
        Constraint(
            max_skew=each.maxSkew,
            topology_key=each.topologyKey,
            selector=selector_of(each.labelSelector),
            min_domains=each.minDomains or 1,
            honors_affinity=each.nodeAffinityPolicy != "Ignore",
            honors_taints=each.nodeTaintsPolicy == "Honor",
        )
        for each in pod.pod.spec.topologySpreadConstraints or ()
        if each.whenUnsatisfiable == when_unsatisfiable
    ]


class PodTopologySpread:
    """`_counts`, by constraint: pods that it counts, by the domains of the nodes where the pod could be at all."""

    def __init__(self, pod: PodInfo, constraints: Sequence[Constraint], snapshot: Snapshot) -> None:
        self._pod, self._constraints = pod, constraints
        self._itself = [constraint.selects(pod.likeness) for constraint in constraints]
        keys = {constraint.topology_key for constraint in constraints}
        nodes = [node for node in snapshot.nodes.values() if keys <= node.labels.keys()]
        self._eligible = [_eligible(pod, constraint, nodes) for constraint in constraints]
        self._counts = [
            _tally(constraint, pod.namespace, eligible, snapshot)
            for constraint, eligible in zip(constraints, self._eligible, strict=True)
        ]
        self._count_least()

    def refuse(self, node: NodeInfo) -> Refusal | None:
        rows = zip(self._constraints, self._counts, self._least, self._itself, strict=True)
        for constraint, counts, least, itself in rows:
            domain = node.labels.get(constraint.topology_key)
            if domain is None:
                return NO_LABEL
            if counts.get(domain, 0) + itself - least > constraint.max_skew:
                return SKEWED
        return None

    def move(self, pod: PodInfo, node: NodeInfo, by: int) -> None:
        for constraint, eligible, counts in zip(self._constraints, self._eligible, self._counts, strict=True):
            if node.name in eligible and constraint.counts(pod.likeness, self._pod.namespace):
                counts[node.labels[constraint.topology_key]] += by
        self._count_least()

    def _count_least(self) -> None:
        """The emptiest domain's count; 0 while there are fewer domains than asked for."""
        self._least = [
            min(counts.values(), default=0) if len(counts) >= constraint.min_domains else 0
            for constraint, counts in zip(self._constraints, self._counts, strict=True)
        ]


def score(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    said = bool(pod.pod.spec.topologySpreadConstraints)
    constraints = asked(pod, "ScheduleAnyway") if said else list(_defaults(pod, snapshot))
    if not constraints:
        return None
    # A default constraint is no reason to leave out a node without a zone, or one asked for is.
    keys = {constraint.topology_key for constraint in constraints} if said else set()
    inside = [keys <= node.labels.keys() for node in nodes]
    sums = [0.0] * len(nodes)
    everywhere = [node for node in snapshot.nodes.values() if keys <= node.labels.keys()]
    for constraint in constraints:
        key = constraint.topology_key
        counts = _tally(constraint, pod.namespace, _eligible(pod, constraint, everywhere), snapshot)
        domains = {node.labels.get(key) for node, scored in zip(nodes, inside, strict=True) if scored}
        weight = math.log((sum(inside) if key == HOSTNAME else len(domains)) + 2)
        for index, node in enumerate(nodes):
            if inside[index] and (domain := node.labels.get(key)) is not None:
                sums[index] += counts.get(domain, 0) * weight + constraint.max_skew - 1
    return _normalized([round(value) for value in sums], inside)


def _normalized(sums: list[int], inside: list[bool]) -> list[int]:
    """The fewer the better; nodes outside get nothing."""
    scored = [value for value, counts in zip(sums, inside, strict=True) if counts]
    least, most = min(scored, default=0), max(scored, default=0)
    best = [BEST * (most + least - value) // most if most else BEST for value in sums]
    return [value if counts else 0 for value, counts in zip(best, inside, strict=True)]


def _defaults(pod: PodInfo, snapshot: Snapshot) -> Iterable[Constraint]:
    services = [s for s in snapshot.services.get(pod.namespace, {}).values() if s and matches(s, pod.likeness.labels)]
    selector = tuple(requirement for service in services for requirement in service)
    if selector or pod.likeness.owner:
        for key, max_skew in DEFAULTS:
            yield Constraint(max_skew, key, selector, pod.likeness.owner)


def _eligible(pod: PodInfo, constraint: Constraint, nodes: Iterable[NodeInfo]) -> dict[str, NodeInfo]:
    """The nodes where a pod can be, as far as the constraint's policies look."""
    wanted = node_affinity.required(pod) if constraint.honors_affinity else None
    return {
        node.name: node
        for node in nodes
        if (wanted is None or wanted(node)) and not (constraint.honors_taints and untolerated(pod, node))
    }


def _tally(constraint: Constraint, namespace: str, nodes: dict[str, NodeInfo], snapshot: Snapshot) -> Counter[str]:
    """Pods by domain; a domain without any counts 0."""
    key = constraint.topology_key
    counts = Counter({node.labels[key]: 0 for node in nodes.values() if key in node.labels})
    for likeness, places in snapshot.alike.items():
        if constraint.counts(likeness, namespace):
            for name, count in places.items():
                if name in nodes and key in nodes[name].labels:
                    counts[nodes[name].labels[key]] += count
    return counts
