"""The cluster that a decision is made on: nodes with their pods, and counts of what those pods look like and ask.

Kept up to date change by change; a decision reads it between two changes, so nothing is copied for it. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lightkube.models.core_v1 import Node

from podling.api import resources
from podling.api.host_ports import HostPort
from podling.api.selectors import Selector
from scheduler.pod_info import PodInfo
from scheduler.terms import Likeness, Term, Weighted

K = TypeVar("K")
Places = Counter[str]  # how many, by node name


class NodeInfo:
    """Amounts as in podling.api.resources. `pods`, by uid, are those bound or assumed to be."""

    def __init__(self, node: Node) -> None:
        self.pods: dict[str, PodInfo] = {}
        self.requested: Counter[str] = Counter()
        self.assumed_use: Counter[str] = Counter()
        self.ports: Counter[HostPort] = Counter()
        self.priorities: Counter[int] = Counter()
        self.renew(node)

    def renew(self, node: Node) -> None:
        """The node's own object changed; its pods did not."""
        spec, status = node.spec, node.status
        self.node = node
        self.name = str(node.metadata.name)
        self.labels: Mapping[str, str] = node.metadata.labels or {}
        self.unschedulable = bool(spec and spec.unschedulable)
        self.taints = tuple((spec.taints if spec else None) or ())
        self.allocatable = resources.amounts(status.allocatable if status else None)
        found = (status.images if status else None) or ()
        self.images = {name: image.sizeBytes or 0 for image in found for name in image.names or ()}

    def copy(self) -> "NodeInfo":
        """To try something on."""
        copied = NodeInfo.__new__(NodeInfo)
        copied.__dict__ = dict(self.__dict__)
        for name in ("pods", "requested", "assumed_use", "ports", "priorities"):
            setattr(copied, name, getattr(self, name).copy())
        return copied

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.uid] = pod
        self.requested.update(pod.requests)
        self.assumed_use.update(pod.assumed_use)
        self.ports.update(pod.host_ports)
        self.priorities[pod.priority] += 1

    def remove(self, pod: PodInfo) -> None:
        del self.pods[pod.uid]
        self.requested.subtract(pod.requests)
        self.assumed_use.subtract(pod.assumed_use)
        _drop(self.ports, pod.host_ports)
        _drop(self.priorities, [pod.priority])


@dataclass
class Snapshot:
    """`alike`: placed pods by what selectors see of them; `anti`: their required anti-affinity, which newcomers must
    respect; `pull`: what their other terms are worth to a newcomer. `nominated`: pods that wait for room on a node."""

    nodes: dict[str, NodeInfo] = field(default_factory=dict)
    alike: dict[Likeness, Places] = field(default_factory=dict)
    anti: dict[Term, Places] = field(default_factory=dict)
    pull: dict[Weighted, Places] = field(default_factory=dict)
    nominated: dict[str, dict[str, PodInfo]] = field(default_factory=dict)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    services: dict[str, dict[str, Selector]] = field(default_factory=dict)  # by namespace and name

    def add(self, pod: PodInfo, node: NodeInfo) -> None:
        node.add(pod)
        self._count(pod, node.name, 1)

    def remove(self, pod: PodInfo, node: NodeInfo) -> None:
        node.remove(pod)
        self._count(pod, node.name, -1)

    def _count(self, pod: PodInfo, node: str, by: int) -> None:
        _put(self.alike, pod.likeness, node, by)
        for term in pod.terms.anti:
            _put(self.anti, term, node, by)
        for weighted in (*(Weighted(term, HARD_WEIGHT) for term in pod.terms.affinity), *pod.terms.preferred):
            _put(self.pull, weighted, node, by)


# What a placed pod's required affinity is worth to a newcomer that it matches: it would like the company.
# Source: k8s.io/kubernetes/pkg/scheduler/apis/config/v1: DefaultHardPodAffinityWeight.
HARD_WEIGHT = 1


def _put(tally: dict[K, Places], kind: K, node: str, by: int) -> None:
    places = tally.setdefault(kind, Counter())
    places[node] += by
    if not places[node]:
        del places[node]
        if not places:
            del tally[kind]


def _drop(counter: Counter[K], items: Iterable[K]) -> None:
    for item in items:
        counter[item] -= 1
        if not counter[item]:
            del counter[item]
