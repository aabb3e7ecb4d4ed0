"""The rules by which a pod finds its node, in their order; the names and weights are Kubernetes'.

A node's verdict is that of the first filter that refuses it. `woken_by` names the changes of the cluster after which a
pod refused by that filter is worth another try.
Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins, pkg/scheduler/apis/config/v1/default_plugins.go.
"""

from scheduler.plugins import (
    dynamic_resources,
    image_locality,
    inter_pod_affinity,
    node_affinity,
    node_name,
    node_ports,
    node_resources,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)
from scheduler.plugins.plugin import NAMESPACES, NODE, PODS, ROOM, Filter, Scorer

FILTERS: tuple[Filter, ...] = (
    Filter("DynamicResources", dynamic_resources.prepare, frozenset()),
    Filter("NodeAffinity", node_affinity.prepare_named, frozenset({NODE})),
    Filter("NodeUnschedulable", node_unschedulable.prepare, frozenset({NODE})),
    Filter("NodeName", node_name.prepare, frozenset({NODE})),
    Filter("TaintToleration", taint_toleration.prepare, frozenset({NODE})),
    Filter("NodeAffinity", node_affinity.prepare, frozenset({NODE})),
    Filter("NodePorts", node_ports.prepare, frozenset({NODE, ROOM})),
    Filter("NodeResourcesFit", node_resources.prepare, frozenset({NODE, ROOM})),
    Filter("PodTopologySpread", pod_topology_spread.prepare, frozenset({NODE, ROOM, PODS})),
    Filter("InterPodAffinity", inter_pod_affinity.prepare, frozenset({NODE, ROOM, PODS, NAMESPACES})),
)

SCORES: tuple[Scorer, ...] = (
    Scorer("TaintToleration", 3, taint_toleration.score),
    Scorer("NodeAffinity", 2, node_affinity.score),
    Scorer("PodTopologySpread", 2, pod_topology_spread.score),
    Scorer("InterPodAffinity", 2, inter_pod_affinity.score),
    Scorer("NodeResourcesFit", 1, node_resources.least_allocated),
    Scorer("NodeResourcesBalancedAllocation", 1, node_resources.balanced_allocation),
    Scorer("ImageLocality", 1, image_locality.score),
)

WOKEN_BY = {filter_.name: filter_.woken_by for filter_ in FILTERS}
