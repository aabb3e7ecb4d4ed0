import pytest

from scheduler.cycle import place
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo
from tests.unit.scheduler.making import cluster, node, on, pod, put

TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


def required(expressions: list[object] | None = None, fields: list[object] | None = None) -> dict[str, object]:
    term = {"matchExpressions": expressions or [], "matchFields": fields or []}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


ZONE_A = required([{"key": "zone", "operator": "In", "values": ["a"]}])
NOT_N = required(fields=[{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}])
ONLY_M = required(fields=[{"key": "metadata.name", "operator": "In", "values": ["m"]}])
MORE_THAN_3 = required([{"key": "disks", "operator": "Gt", "values": ["3"]}])
LESS_THAN_3 = required([{"key": "disks", "operator": "Lt", "values": ["3"]}])

REFUSED = [
    (node("n", cpu="1"), pod(cpu="1500m"), "Insufficient cpu"),
    (node("n", pods="0"), pod(), "Too many pods"),
    (node("n", taints=[TAINT]), pod(), "node(s) had untolerated taint(s)"),
    (node("n", unschedulable=True), pod(), "node(s) were unschedulable"),
    (node("n"), pod(nodeName="m"), "node(s) didn't match the requested node name"),
    (node("n"), pod(nodeSelector={"disk": "ssd"}), "node(s) didn't match Pod's node affinity/selector"),
    (node("n", labels={"zone": "b"}), pod(affinity=ZONE_A), "node(s) didn't match Pod's node affinity/selector"),
    (node("n"), pod(affinity=NOT_N), "node(s) didn't match Pod's node affinity/selector"),
    (node("n"), pod(affinity=ONLY_M), "node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    (node("n", labels={"disks": "3"}), pod(affinity=MORE_THAN_3), "node(s) didn't match Pod's node affinity/selector"),
    (node("n", labels={"disks": "3"}), pod(affinity=LESS_THAN_3), "node(s) didn't match Pod's node affinity/selector"),
    (node("n"), pod(overhead={"cpu": "3"}), "Insufficient cpu"),
    (node("n"), pod(resources={"requests": {"memory": "5Gi"}}), "Insufficient memory"),
]


@pytest.mark.parametrize(("there", "wanted", "why"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_node_refuses_in_kube_schedulers_words(there: NodeInfo, wanted: PodInfo, why: str) -> None:
    assert on([there], wanted).message == f"0/1 nodes are available: 1 {why}."


def tolerating(**toleration: str) -> PodInfo:
    return pod(tolerations=[toleration])


SLA = {"key": "sla", "value": "950", "effect": "NoSchedule"}
ACCEPTED = [
    (node("n", taints=[TAINT]), tolerating(key="dedicated", operator="Exists")),
    (node("n", taints=[TAINT]), tolerating(key="dedicated", value="db", effect="NoSchedule")),
    (node("n", taints=[TAINT]), tolerating(operator="Exists")),
    (node("n", taints=[SLA]), tolerating(key="sla", operator="Gt", value="900")),
    (node("n", taints=[SLA]), tolerating(key="sla", operator="Lt", value="951")),
    (node("n", taints=[TAINT | {"effect": "PreferNoSchedule"}]), pod()),
    (node("n", unschedulable=True), tolerating(operator="Exists")),
    (node("n", labels={"zone": "a"}), pod(affinity=ZONE_A)),
    (node("n", labels={"disks": "4"}), pod(affinity=MORE_THAN_3)),
    (node("n", labels={"disks": "2"}), pod(affinity=LESS_THAN_3)),
    (node("m"), pod(affinity=ONLY_M)),
    (node("n", cpu="1"), pod(cpu="1")),
]


@pytest.mark.parametrize(("there", "wanted"), ACCEPTED)
def test_a_node_takes_what_it_can(there: NodeInfo, wanted: PodInfo) -> None:
    assert on([there], wanted).node == there.name


@pytest.mark.parametrize(
    "toleration",
    [
        {"key": "dedicated", "value": "web"},
        {"key": "other", "operator": "Exists"},
        {"operator": "Exists", "effect": "NoExecute"},
        {"key": "dedicated", "operator": "Gt", "value": "1"},
    ],
)
def test_a_toleration_of_something_else_does_not_help(toleration: dict[str, str]) -> None:
    assert on([node("n", taints=[TAINT])], pod(tolerations=[toleration])).node == ""


def test_the_refusals_of_all_nodes_are_counted() -> None:
    nodes = [node("a", cpu="1"), node("b", cpu="1"), node("c", taints=[TAINT])]
    message = on(nodes, pod(cpu="3")).message
    assert message == "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu."
    assert on([], pod()).message == "no nodes available to schedule pods"


def test_who_asks_why_is_told_more() -> None:
    details = [v.refused.detail for v in on([node("a", taints=[TAINT]), node("b")], pod(cpu="3")).verdicts if v.refused]
    assert details == ["{dedicated: db}", "cpu: wants 3000, free 2000"]


def test_a_pod_that_claims_devices_waits_and_is_told() -> None:
    said = on([node("a"), node("b")], pod(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}])).message
    assert said == "0/2 nodes are available: podling has no dynamic resource allocation for spec.resourceClaims."


def test_a_port_of_the_node_is_given_once_for_each_address_and_protocol() -> None:
    first = pod("first", ports=[{"containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1"}])
    taken = cluster([node("n")], n=[first])
    wanted = [{"containerPort": 80, "hostPort": 80}]
    said = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    assert place(pod(ports=wanted), taken).message == said
    assert place(pod(ports=[wanted[0] | {"hostIP": "10.0.0.2"}]), taken).node == "n"
    assert place(pod(ports=[wanted[0] | {"protocol": "UDP"}]), taken).node == "n"
    taken.remove(first, taken.nodes["n"])
    assert place(pod(ports=wanted), taken).node == "n"


def test_a_large_init_container_counts_as_much_as_it_needs_for_a_moment() -> None:
    init = [{"name": "i", "resources": {"requests": {"cpu": "3"}}}]
    assert "Insufficient cpu" in on([node("n", cpu="2")], pod(cpu="1", initContainers=init)).message


def test_while_a_container_is_resized_the_larger_amount_counts() -> None:
    shrinking = pod("x", cpu="500m", status={"containerStatuses": [had("1500m")]})
    growing = pod("y", cpu="1500m", status={"containerStatuses": [had("500m")]})
    not_yet = pod("z", cpu="500m", status={"containerStatuses": [had("500m", actual="1500m")]})
    for resized in (shrinking, growing, not_yet):
        assert "Insufficient cpu" in place(pod(cpu="1"), cluster([node("n")], n=[resized])).message
    never = {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}
    refused = pod("y", cpu="64", status={"containerStatuses": [had("500m")], "conditions": [never]})
    assert place(pod(cpu="1500m"), cluster([node("n")], n=[refused])).node == "n"


def had(cpu: str, actual: str = "") -> dict[str, object]:
    about = {"name": "c", "image": "busybox", "imageID": "", "ready": True, "restartCount": 0}
    return {**about, "allocatedResources": {"cpu": cpu}, "resources": {"requests": {"cpu": actual or cpu}}}


def test_resources_that_only_some_nodes_have_are_counted_too() -> None:
    plain, rich = node("a"), node("b")
    rich.allocatable["example.com/gpu"] = 1
    wants = {"requests": {"example.com/gpu": "1"}, "limits": {"example.com/gpu": "1"}}
    two = [pod(name, containers=[{"name": "c", "resources": wants}]) for name in "xy"]
    snapshot = cluster([plain, rich])
    assert put(snapshot, two[0]) == "b"
    assert put(snapshot, two[1]) == "0/2 nodes are available: 2 Insufficient example.com/gpu."


def test_the_emptier_node_is_better() -> None:
    assert place(pod(cpu="100m"), cluster([node("a"), node("b")], a=[pod("x", cpu="1")])).node == "b"


def test_a_preferred_node_is_better_than_an_emptier_one() -> None:
    preference = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
    preferred = [{"weight": 10, "preference": preference}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    snapshot = cluster([node("a", labels={"disk": "ssd"}), node("b")], a=[pod("x", cpu="1")])
    assert place(pod(affinity=affinity), snapshot).node == "a"


def test_the_weights_of_preferences_add_up() -> None:
    preferred = [
        {"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]}}
        for key, weight in (("x", 3), ("y", 3), ("z", 5))
    ]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    both, one = node("a", labels={"x": "", "y": ""}), node("b", labels={"z": ""})
    assert on([both, one], pod(affinity=affinity)).node == "a"


def test_a_node_with_a_taint_that_only_warns_is_the_last_choice() -> None:
    warned = node("a", taints=[TAINT | {"effect": "PreferNoSchedule"}])
    snapshot = cluster([warned, node("b")], b=[pod("x", cpu="1")])
    assert place(pod(), snapshot).node == "b"
    assert place(pod(tolerations=[{"operator": "Exists"}]), snapshot).node == "a"


def test_a_node_that_has_a_large_image_is_better() -> None:
    images = [{"names": ["big:latest"], "sizeBytes": 900 << 20}]
    assert on([node("a"), node("b", images=images)], pod(image="big")).node == "b"


def test_cpu_and_memory_are_used_in_balance() -> None:
    scores = on([node("a", cpu="4"), node("b", cpu="64")], pod(cpu="1")).verdicts
    balance = {v.node: next(s.score for s in v.scores if "Balanced" in s.name) for v in scores}
    assert balance["a"] < balance["b"] <= 75


def test_equals_are_spread() -> None:
    snapshot = cluster(node(name) for name in "abc")
    assert sorted(put(snapshot, pod(f"p{number}")) for number in range(6)) == ["a", "a", "b", "b", "c", "c"]


def test_pods_of_a_service_are_spread_over_zones_and_hosts() -> None:
    zones = {"a": "x", "b": "x", "c": "y"}
    snapshot = cluster(
        node(name, cpu="64", labels={"topology.kubernetes.io/zone": zone}) for name, zone in zones.items()
    )
    from podling.api.selectortext import parse_labels

    snapshot.services["default"] = {"web": parse_labels("app=web")}
    placed = [put(snapshot, pod(f"p{number}", labels={"app": "web"})) for number in range(4)]
    assert sorted(placed) == ["a", "b", "c", "c"]


def test_pods_of_one_controller_are_spread() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}
    crowd = [pod(f"x{number}", cpu="1m") for number in range(40)]
    snapshot = cluster([node("a", cpu="64"), node("b", cpu="64")], b=crowd)
    placed = [put(snapshot, pod(f"p{n}", metadata={"ownerReferences": [owner]})) for n in range(2)]
    assert sorted(placed) == ["a", "b"]
