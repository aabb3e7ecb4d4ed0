from typing import Any

import pytest

from podling.client.codec import typed
from podling.client.resource import NODES, PODS
from scheduler.cycle import place
from scheduler.snapshot import NodeInfo


def node(
    name: str, *, labels: dict[str, str] | None = None, cpu: str = "2", pods: str = "110", **spec: Any
) -> NodeInfo:
    allocatable = {"cpu": cpu, "memory": "4Gi", "pods": pods, "ephemeral-storage": "10Gi"}
    data = {"metadata": {"name": name, "labels": labels or {}}, "spec": spec, "status": {"allocatable": allocatable}}
    return NodeInfo(typed(data, NODES.type))


def pod(name: str = "a", *, cpu: str = "", labels: dict[str, str] | None = None, ports: Any = None, **spec: Any) -> Any:
    container = {"name": "c", "ports": ports or [], "resources": {"requests": {"cpu": cpu} if cpu else {}}}
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": labels}
    return typed({"metadata": metadata, "spec": {"containers": [container], **spec}}, PODS.type)


TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
ZONE_A = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
        }
    }
}

REFUSED = [
    (node("n", cpu="1"), pod(cpu="1500m"), "Insufficient cpu"),
    (node("n", pods="0"), pod(), "Too many pods"),
    (node("n", taints=[TAINT]), pod(), "node(s) had untolerated taint {dedicated: db}"),
    (node("n", unschedulable=True), pod(), "node(s) were unschedulable"),
    (node("n"), pod(nodeName="m"), "node(s) didn't match the requested node name"),
    (node("n"), pod(nodeSelector={"disk": "ssd"}), "node(s) didn't match Pod's node affinity/selector"),
    (node("n", labels={"zone": "b"}), pod(affinity=ZONE_A), "node(s) didn't match Pod's node affinity/selector"),
]


@pytest.mark.parametrize(("on", "wanted", "reason"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_node_refuses_in_kube_schedulers_words(on: NodeInfo, wanted: Any, reason: str) -> None:
    assert place(wanted, [on]).message == f"0/1 nodes are available: 1 {reason}."


ACCEPTED = [
    (node("n", taints=[TAINT]), pod(tolerations=[{"key": "dedicated", "operator": "Exists"}])),
    (node("n", taints=[TAINT]), pod(tolerations=[{"operator": "Exists"}])),
    (node("n", taints=[TAINT | {"effect": "PreferNoSchedule"}]), pod()),
    (node("n", labels={"zone": "a"}), pod(affinity=ZONE_A)),
    (node("n", cpu="1"), pod(cpu="1")),
]


@pytest.mark.parametrize(("on", "wanted"), ACCEPTED)
def test_a_node_takes_what_it_can(on: NodeInfo, wanted: Any) -> None:
    assert place(wanted, [on]).node == "n"


def test_the_refusals_of_all_nodes_are_counted() -> None:
    nodes = [node("a", cpu="1"), node("b", cpu="1"), node("c", taints=[TAINT])]
    message = place(pod(cpu="3"), nodes).message
    assert message == "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: db}, 2 Insufficient cpu."
    assert place(pod(), []).message == "no nodes available to schedule pods"


def test_a_port_of_the_node_is_given_once_for_each_address_and_protocol() -> None:
    taken = node("n")
    taken.add(pod("first", ports=[{"containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1"}]))
    wanted = [{"containerPort": 80, "hostPort": 80}]
    assert "free ports" in place(pod(ports=wanted), [taken]).message
    assert place(pod(ports=[wanted[0] | {"hostIP": "10.0.0.2"}]), [taken]).node == "n"
    assert place(pod(ports=[wanted[0] | {"protocol": "UDP"}]), [taken]).node == "n"


def test_a_large_init_container_counts_as_much_as_it_needs_for_a_moment() -> None:
    init = [{"name": "i", "resources": {"requests": {"cpu": "3"}}}]
    assert "Insufficient cpu" in place(pod(cpu="1", initContainers=init), [node("n", cpu="2")]).message


def test_the_emptier_node_is_better() -> None:
    full, free = node("a"), node("b")
    full.add(pod("x", cpu="1"))
    assert place(pod(cpu="100m"), [full, free]).node == "b"


def test_a_preferred_node_is_better_than_an_emptier_one() -> None:
    preference = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
    preferred = [{"weight": 10, "preference": preference}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    full = node("a", labels={"disk": "ssd"})
    full.add(pod("x", cpu="1"))
    assert place(pod(affinity=affinity), [full, node("b")]).node == "a"


def test_equals_are_spread() -> None:
    nodes = [node(name) for name in "abc"]
    placed = []
    for number in range(6):
        equal = pod(f"p{number}", labels={"app": "web"})
        placed.append(place(equal, nodes).node)
        next(info for info in nodes if info.name == placed[-1]).add(equal)
    assert sorted(placed) == ["a", "a", "b", "b", "c", "c"]
