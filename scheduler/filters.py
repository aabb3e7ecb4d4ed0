"""Which nodes can take a pod. Each filter answers with its reasons against, in kube-scheduler's words; none is yes.

`FILTERS` is the order; a node's verdict is that of the first filter that refuses it. `woken_by` names the changes of
the cluster after which a pod refused by that filter is worth another try.
Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from lightkube.models.core_v1 import Pod

from podling.api import resources, selectors
from podling.api.taints import tolerates
from scheduler.snapshot import NodeInfo, host_ports

NODE = "node changed"
ROOM = "room made"


class Filter(NamedTuple):
    name: str
    refuse: Callable[[Pod, NodeInfo], list[str]]
    woken_by: frozenset[str]


def unschedulable(pod: Pod, node: NodeInfo) -> list[str]:
    if not (node.node.spec and node.node.spec.unschedulable):
        return []
    taint = {"key": "node.kubernetes.io/unschedulable", "value": "", "effect": "NoSchedule"}
    return [] if is_tolerated(pod, taint) else ["node(s) were unschedulable"]


def node_name(pod: Pod, node: NodeInfo) -> list[str]:
    wanted = pod.spec.nodeName
    return ["node(s) didn't match the requested node name"] if wanted and wanted != node.name else []


def taints(pod: Pod, node: NodeInfo) -> list[str]:
    for taint in taints_of(node):
        if taint["effect"] in ("NoSchedule", "NoExecute") and not is_tolerated(pod, taint):
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint['value']}}}"]
    return []


def node_affinity(pod: Pod, node: NodeInfo) -> list[str]:
    spec: Any = pod.spec
    selected = all(node.labels.get(key) == value for key, value in (spec.nodeSelector or {}).items())
    required = spec.affinity and spec.affinity.nodeAffinity
    required = required and required.requiredDuringSchedulingIgnoredDuringExecution
    if selected and (not required or any(term_matches(term, node) for term in required.nodeSelectorTerms)):
        return []
    return ["node(s) didn't match Pod's node affinity/selector"]


def ports(pod: Pod, node: NodeInfo) -> list[str]:
    wanted = host_ports(pod)
    if wanted and any(port.collides(taken) for taken in node.host_ports() for port in wanted):
        return ["node(s) didn't have free ports for the requested pod ports"]
    return []


def resources_fit(pod: Pod, node: NodeInfo) -> list[str]:
    allocatable = node.allocatable
    refused = ["Too many pods"] if len(node.pods) + 1 > allocatable[resources.PODS] else []
    for name, wanted in resources.requests(pod.spec).items():
        if wanted > 0 and wanted > allocatable[name] - node.requested[name]:
            refused.append(f"Insufficient {name}")
    return refused


FILTERS: tuple[Filter, ...] = (
    Filter("NodeUnschedulable", unschedulable, frozenset({NODE})),
    Filter("NodeName", node_name, frozenset({NODE})),
    Filter("TaintToleration", taints, frozenset({NODE})),
    Filter("NodeAffinity", node_affinity, frozenset({NODE})),
    Filter("NodePorts", ports, frozenset({NODE, ROOM})),
    Filter("NodeResourcesFit", resources_fit, frozenset({NODE, ROOM})),
)


def taints_of(node: NodeInfo) -> Iterable[dict[str, str]]:
    for taint in (node.node.spec.taints if node.node.spec else None) or ():
        yield {"key": taint.key, "value": taint.value or "", "effect": taint.effect}


def is_tolerated(pod: Pod, taint: dict[str, str]) -> bool:
    return any(tolerates(each, **taint) for each in pod.spec.tolerations or ())


def term_matches(term: Any, node: NodeInfo) -> bool:
    """One NodeSelectorTerm: all its expressions over labels and fields; a term without any matches nothing."""
    expressions = [selectors.from_expression(expression.to_dict()) for expression in term.matchExpressions or ()]
    fields = [selectors.from_expression(expression.to_dict()) for expression in term.matchFields or ()]
    if not expressions and not fields:
        return False
    return selectors.matches(expressions, node.labels) and selectors.matches(fields, {"metadata.name": node.name})
