"""Where pods go, on three nodes of one engine: every scheduling field, seen through kubectl."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, running
from tests.e2e.manifests import FOREVER, manifest, shell

NODES = ("n1", "n2", "n3")
HOSTNAME = "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.fixture(scope="module")
def cluster(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    """n1 and n2 in zone x, n3 in zone y; n3 has three disks."""
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("cluster"))
    with running(made, request, "--nodes", "3"):
        for name, zone in zip(NODES, "xxy", strict=True):
            made.kubectl("label", "node", name, f"zone={zone}")
        made.kubectl("label", "node", "n3", "disks=3")
        yield made


def pod(
    name: str, *, app: str = "", cpu: str = "", labels: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    requests = {"cpu": cpu} if cpu else {}
    made: dict[str, Any] = json.loads(
        manifest(name, [shell(FOREVER, resources={"requests": requests}, ports=spec.pop("ports", []))], **spec)
    )
    made["metadata"]["labels"] = {"app": app or name, **(labels or {})}
    made["spec"]["terminationGracePeriodSeconds"] = 0
    return made


def create(pods: Pods, *made: dict[str, Any]) -> None:
    pods.create(json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))


def all_of(pods: Pods) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in json.loads(pods("get", "pods", "-o", "json").stdout)["items"]}


def placed(pods: Pods) -> dict[str, str]:
    """Nodes by pod name, "" for a pod without."""
    return {name: found["spec"].get("nodeName", "") for name, found in all_of(pods).items()}


def nodes_of(pods: Pods, *names: str) -> list[str]:
    """Of pods that all get one; scheduled, running or not."""
    found: dict[str, str] = {}

    def have() -> bool:
        found.update(placed(pods))
        return all(found[name] for name in names)

    pods.eventually(have, seen=lambda: "\n".join(pods.described(name) for name in names if not found[name]))
    return [found[name] for name in names]


def scheduled(pods: Pods, name: str) -> dict[str, Any]:
    """The PodScheduled condition."""
    found = pods.get(name).get("status", {}).get("conditions", ())
    return next((dict(c) for c in found if c["type"] == "PodScheduled"), {})


def refused(pods: Pods, name: str) -> str:
    """Why it fits nowhere."""
    found: dict[str, Any] = {}
    pods.eventually(lambda: found.update(scheduled(pods, name)) or found.get("reason") == "Unschedulable")
    message = str(found["message"])
    pods.eventually(lambda: ("FailedScheduling", message) in pods.events(name))
    return message


def near(key: str, app: str, **more: Any) -> dict[str, Any]:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **more}


def test_pods_choose_their_nodes_by_name_labels_and_expressions(pods: Pods) -> None:
    def chosen(key: str, operator: str, *values: str, of: str = "matchExpressions") -> dict[str, Any]:
        return {of: [{"key": key, "operator": operator, "values": list(values)}]}

    def required(*terms: dict[str, Any]) -> dict[str, Any]:
        return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}

    wanted: dict[str, tuple[dict[str, Any], set[str]]] = {
        "named": ({"nodeName": "n2"}, {"n2"}),
        "selected": ({"nodeSelector": {"zone": "y"}}, {"n3"}),
        "inside": ({"affinity": required(chosen("zone", "In", "x"))}, {"n1", "n2"}),
        "outside": ({"affinity": required(chosen("zone", "NotIn", "x"))}, {"n3"}),
        "has": ({"affinity": required(chosen("disks", "Exists"))}, {"n3"}),
        "more": ({"affinity": required(chosen("disks", "Gt", "2"))}, {"n3"}),
        "less": ({"affinity": required(chosen("disks", "Lt", "2"), chosen("zone", "In", "y"))}, {"n3"}),
        "field": ({"affinity": required(chosen("metadata.name", "In", "n1", of="matchFields"))}, {"n1"}),
        "liked": (
            {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 100, "preference": chosen("disks", "Exists")}]}}},
            {"n3"},
        ),
    }
    create(pods, *(pod(name, **spec) for name, (spec, _) in wanted.items()))
    found = dict(zip(wanted, nodes_of(pods, *wanted), strict=True))
    assert {name: node for name, node in found.items() if node not in wanted[name][1]} == {}
    pods.running("selected")  # its node knows the label too
    create(pods, pod("nowhere", affinity=required(chosen("zone", "DoesNotExist"))))
    assert refused(pods, "nowhere") == (
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


def test_pods_keep_apart_and_together(pods: Pods) -> None:
    apart = {"affinity": {"podAntiAffinity": {REQUIRED: [near(HOSTNAME, "web")]}}}
    create(pods, *(pod(f"web{number}", app="web", **apart) for number in range(4)))
    pods.eventually(lambda: sum(map(bool, placed(pods).values())) == 3)
    webs = placed(pods)
    assert sorted(webs.values()) == ["", *NODES]
    last = next(name for name, node in webs.items() if not node)
    assert refused(pods, last) == (
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. "
        "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )
    create(pods, pod("db", app="db", nodeSelector={"zone": "y"}))
    nodes_of(pods, "db")
    create(
        pods,
        pod("cache", affinity={"podAffinity": {REQUIRED: [near("zone", "db")]}}),
        pod("liked", affinity={"podAffinity": {PREFERRED: [{"weight": 100, "podAffinityTerm": near("zone", "db")}]}}),
        pod(
            "hates", affinity={"podAntiAffinity": {PREFERRED: [{"weight": 100, "podAffinityTerm": near("zone", "db")}]}}
        ),
    )
    cached, liked, hates = nodes_of(pods, "cache", "liked", "hates")
    assert (cached, liked) == ("n3", "n3") and hates in ("n1", "n2")
    gone = next(name for name, node in webs.items() if node)
    pods("delete", "pod", gone)
    assert nodes_of(pods, last) == [webs[gone]]


def test_terms_look_into_other_namespaces_and_at_the_pods_own_labels(pods: Pods) -> None:
    """`db` here on n1; a pod of the same version is on n2, one of another on n3."""
    create(
        pods,
        pod("db", app="db", nodeName="n1"),
        pod("v1", app="v", labels={"version": "1"}, nodeName="n2"),
        pod("v2", app="v", labels={"version": "2"}, nodeName="n3"),
    )
    nodes_of(pods, "db", "v1", "v2")
    elsewhere = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": pods.namespace}}}

    def together(**term: Any) -> dict[str, Any]:
        return {"affinity": {"podAffinity": {REQUIRED: [near(HOSTNAME, **term)]}}}

    pinned = {"labels": {"version": "1"}, "app": "v"}
    create(
        pods,
        pod("same", **pinned, **together(app="v", matchLabelKeys=["version"])),
        pod("other", **pinned, **together(app="v", mismatchLabelKeys=["version"])),
    )
    assert nodes_of(pods, "same", "other") == ["n2", "n3"]
    default = [
        pod(f"{pods.namespace}-{kind}", **together(app="db", **more))
        for kind, more in (("named", {"namespaces": [pods.namespace]}), ("chosen", elsewhere))
    ]
    names = [each["metadata"]["name"] for each in default]
    try:
        everywhere = json.dumps({"apiVersion": "v1", "kind": "List", "items": default})
        pods("create", "-n", "default", "-f", "-", input=everywhere)
        for name in names:
            where = ("get", "pod", name, "-n", "default", "-o", "jsonpath={.spec.nodeName}")
            pods.eventually(lambda asked=where: pods(*asked).stdout == "n1")
    finally:
        pods("delete", "pod", "-n", "default", "--ignore-not-found", "--wait=false", *names)


def test_pods_are_spread_over_zones_and_hosts(pods: Pods) -> None:
    def spread(key: str, when: str = "DoNotSchedule", **more: Any) -> dict[str, Any]:
        selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["even"]}]}
        body = {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": when, "labelSelector": selector}
        return {"topologySpreadConstraints": [{**body, **more}]}

    names = [f"even{number}" for number in range(4)]
    create(pods, *(pod(name, app="even", **spread("zone")) for name in names))
    assert nodes_of(pods, *names).count("n3") == 2
    only_x = {"nodeSelector": {"zone": "x"}}
    create(
        pods,
        pod("new", app="even", labels={"version": "2"}, **spread("zone", matchLabelKeys=["version"])),
        pod("third", app="even", **spread("zone", minDomains=3)),
        pod("skews", app="even", **only_x, **spread("zone", maxSkew=1, nodeAffinityPolicy="Ignore", minDomains=3)),
        pod("honors", app="even", **only_x, **spread("zone", nodeAffinityPolicy="Honor")),
        pod("soft", app="even", **only_x, **spread("zone", "ScheduleAnyway")),
        pod("rackless", app="even", **spread("rack")),
    )
    nodes_of(pods, "new", "honors", "soft")
    skewed = "node(s) didn't match pod topology spread constraints"
    assert f": 3 {skewed}. " in refused(pods, "third")
    assert f"1 node(s) didn't match Pod's node affinity/selector, 2 {skewed}. " in refused(pods, "skews")
    assert f"3 {skewed} (missing required label). " in refused(pods, "rackless")


def test_taints_gates_ports_and_other_schedulers_keep_pods_waiting(cluster: Cluster, pods: Pods) -> None:
    port = [{"containerPort": 80, "hostPort": 18_080}]
    on_n3 = {"nodeSelector": {"zone": "y"}}
    create(
        pods,
        pod("gated", schedulingGates=[{"name": "example.com/wait"}]),
        pod("theirs", schedulerName="somebody-else"),
        pod("claims", resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]),
        pod("first", ports=port, **on_n3),
        pod("heavy", cpu="1000", **on_n3),
    )
    assert nodes_of(pods, "first") == ["n3"]
    create(pods, pod("second", ports=port, **on_n3))
    assert "1 node(s) didn't have free ports for the requested pod ports" in refused(pods, "second")
    assert "1 Insufficient cpu" in refused(pods, "heavy")
    assert "podling has no dynamic resource allocation" in refused(pods, "claims")
    assert pods.shown("gated")[2] == "SchedulingGated"
    assert scheduled(pods, "gated")["reason"] == "SchedulingGated"
    assert not placed(pods)["theirs"] and not pods.events("theirs")
    pods("patch", "pod", "gated", "--type=json", "-p", '[{"op": "remove", "path": "/spec/schedulingGates"}]')
    nodes_of(pods, "gated")

    cluster.kubectl("taint", "node", "n3", "sla=950:NoSchedule")
    try:
        tolerations = {
            "equal": {"key": "sla", "value": "950", "effect": "NoSchedule"},
            "exists": {"key": "sla", "operator": "Exists"},
            "greater": {"key": "sla", "operator": "Gt", "value": "900"},
            "less": {"key": "sla", "operator": "Lt", "value": "900"},
            "none": {"key": "other", "operator": "Exists"},
        }
        create(pods, *(pod(name, tolerations=[found], **on_n3) for name, found in tolerations.items()))
        assert nodes_of(pods, "equal", "exists", "greater") == ["n3"] * 3
        for name in ("less", "none"):
            assert "1 node(s) had untolerated taint(s), 2 node(s) didn't match" in refused(pods, name)
    finally:
        cluster.kubectl("taint", "node", "n3", "sla-")


def test_a_more_important_pod_takes_the_room_of_a_less_important_one(cluster: Cluster, pods: Pods) -> None:
    classes = {"low": (1, {}), "high": (1000, {}), "patient": (2000, {"preemptionPolicy": "Never"})}
    made = [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": f"{pods.namespace}-{name}"},
            "value": value,
            **more,
        }
        for name, (value, more) in classes.items()
    ]
    names = [each["metadata"]["name"] for each in made]
    create(pods, *made)
    try:
        free = json.loads(cluster.kubectl("get", "node", "n3", "-o", "json").stdout)["status"]["allocatable"]["cpu"]
        most = f"{int(free) * 1000 - 200}m" if free.isdigit() else f"{int(free[:-1]) - 200}m"
        on_n3 = {"nodeSelector": {"zone": "y"}, "cpu": most}
        create(pods, pod("low", priorityClassName=names[0], **on_n3))
        pods.running("low")
        create(pods, pod("patient", priorityClassName=names[2], **on_n3))
        assert "preemption: not eligible due to preemptionPolicy=Never." in refused(pods, "patient")
        assert pods.get("patient")["spec"]["preemptionPolicy"] == "Never"
        pods("delete", "pod", "patient")
        stays = pod("high", priorityClassName=names[1], **on_n3)
        stays["metadata"]["finalizers"] = ["example.com/stays"]
        create(pods, stays)
        pods.gone("low")
        high = pods.running("high")
        assert high["spec"]["nodeName"] == "n3" and high["spec"]["priority"] == 1000
        assert "nominatedNodeName" not in high["status"]
        told = f"Preempted by pod {high['metadata']['uid']} on node n3"
        assert ("Preempted", told) in pods.events("low")
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "high"}}
        path = f"/api/v1/namespaces/{pods.namespace}/pods/high/eviction"
        pods("create", "--raw", path, "-f", "-", input=json.dumps(eviction))
        why = next(c for c in pods.get("high")["status"]["conditions"] if c["type"] == "DisruptionTarget")
        assert (why["reason"], why["message"]) == ("EvictionByEvictionAPI", "Eviction API: evicting")
        pods("patch", "pod", "high", "-p", '{"metadata": {"finalizers": null}}', "--type=merge")
    finally:
        pods("delete", "priorityclass", *names)
