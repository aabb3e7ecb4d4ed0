"""Equal pods over domains. The property test restates the rule pod by pod."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.cycle import place
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot
from tests.unit.scheduler.making import cluster, node, pod, put, selector, spread

SKEWED = "node(s) didn't match pod topology spread constraints"
NO_LABEL = f"{SKEWED} (missing required label)"
WEB = {"labelSelector": selector(app="web")}


def web(name: str, constraints: list[dict[str, Any]], **more: Any) -> PodInfo:
    return pod(name, labels={"app": "web"}, topologySpreadConstraints=constraints, **more)


def zoned(*, a: str = "x", b: str = "x", c: str = "y") -> list[NodeInfo]:
    return [node(name, cpu="64", labels={"zone": zone}) for name, zone in (("a", a), ("b", b), ("c", c))]


def zones(snapshot: Snapshot, count: int, constraints: list[dict[str, Any]], **more: Any) -> list[str]:
    placed = [put(snapshot, web(f"w{number}", constraints, **more)) for number in range(count)]
    return sorted(snapshot.nodes[name].labels["zone"] if name in snapshot.nodes else name for name in placed)


def test_pods_are_spread_over_zones() -> None:
    assert zones(cluster(zoned()), 4, spread("zone", **WEB)) == ["x", "x", "y", "y"]


def test_a_pod_that_would_skew_waits() -> None:
    full = zoned()
    full[2] = node("c", cpu="0", labels={"zone": "y"})
    snapshot = cluster(full)
    assert zones(snapshot, 1, spread("zone", **WEB), cpu="1") == ["x"]
    said = place(web("w", spread("zone", **WEB), cpu="1"), snapshot).message
    assert said == f"0/3 nodes are available: 1 Insufficient cpu, 2 {SKEWED}."
    assert zones(snapshot, 1, spread("zone", skew=2, **WEB), cpu="1") == ["x"]


def test_a_node_without_the_label_takes_none() -> None:
    said = place(web("w", spread("rack", **WEB)), cluster([node("a")])).message
    assert said == f"0/1 nodes are available: 1 {NO_LABEL}."


def test_fewer_domains_than_wanted_count_as_one_more_empty() -> None:
    three = spread("zone", minDomains=3, **WEB)
    snapshot = cluster(zoned())
    assert zones(snapshot, 2, three) == ["x", "y"]
    assert put(snapshot, web("3", three)) == f"0/3 nodes are available: 3 {SKEWED}."


@pytest.mark.parametrize(("policy", "fits"), [("Honor", True), ("Ignore", False)])
def test_nodes_that_the_pod_cannot_choose_count_only_if_affinity_is_ignored(policy: str, fits: bool) -> None:
    snapshot = cluster(zoned(), a=[web("1", [])])
    constraints = spread("zone", nodeAffinityPolicy=policy, **WEB)
    assert bool(place(web("2", constraints, nodeSelector={"zone": "x"}), snapshot).node) == fits


@pytest.mark.parametrize(("policy", "fits"), [("Honor", True), ("Ignore", False)])
def test_tainted_nodes_count_only_if_taints_are_ignored(policy: str, fits: bool) -> None:
    nodes = zoned()
    nodes[2] = node("c", labels={"zone": "y"}, taints=[{"key": "a", "effect": "NoSchedule"}])
    snapshot = cluster(nodes, a=[web("1", [])])
    assert bool(place(web("2", spread("zone", nodeTaintsPolicy=policy, **WEB)), snapshot).node) == fits


def test_pods_that_leave_and_those_of_other_namespaces_do_not_count() -> None:
    leaving = web("1", [], metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    snapshot = cluster(zoned(), a=[leaving, web("2", [], namespace="other")])
    assert zones(snapshot, 2, spread("zone", **WEB)) == ["x", "y"]


def test_a_soft_constraint_prefers_and_does_not_refuse() -> None:
    snapshot = cluster(zoned(), a=[web(f"{n}", [], cpu="1m") for n in range(3)], b=[web("b", [])])
    soft = spread("zone", hard=False, **WEB)
    assert place(web("w", soft), snapshot).node == "c"
    assert place(web("w", soft, nodeSelector={"zone": "x"}), snapshot).node == "b"


def test_several_constraints_hold_together() -> None:
    both = [*spread("zone", **WEB), *spread(**WEB)]
    snapshot = cluster(zoned())
    assert sorted(put(snapshot, web(f"w{number}", both)) for number in range(3)) == ["a", "b", "c"]


CONSTRAINT = st.fixed_dictionaries(
    {
        "topologyKey": st.sampled_from(["zone", "rack"]),
        "maxSkew": st.integers(1, 2),
        "whenUnsatisfiable": st.just("DoNotSchedule"),
        "labelSelector": st.sampled_from([selector(app="web"), selector(app="db")]),
    },
    optional={"minDomains": st.integers(1, 4)},
)
POD = st.fixed_dictionaries(
    {
        "labels": st.sampled_from([{"app": "web"}, {"app": "db"}, {}]),
        "topologySpreadConstraints": st.lists(CONSTRAINT, max_size=2, unique_by=lambda found: found["topologyKey"]),
    }
)


def may_be_on(pod: PodInfo, here: NodeInfo, snapshot: Snapshot) -> bool:
    """The rule, restated."""
    constraints = pod.pod.spec.topologySpreadConstraints or []
    keys = {each.topologyKey for each in constraints}
    nodes = [found for found in snapshot.nodes.values() if keys <= found.labels.keys()]
    for each in constraints:
        key, app = each.topologyKey, each.labelSelector.matchLabels["app"]
        if key not in here.labels:
            return False
        counts = {found.labels[key]: 0 for found in nodes}
        for found in nodes:
            counts[found.labels[key]] += sum(
                (other.pod.metadata.labels or {}).get("app") == app for other in found.pods.values()
            )
        least = min(counts.values(), default=0) if len(counts) >= (each.minDomains or 1) else 0
        itself = (pod.pod.metadata.labels or {}).get("app") == app
        if counts.get(here.labels[key], 0) + itself - least > each.maxSkew:
            return False
    return True


@given(st.lists(POD, max_size=15))
def test_no_placement_skews_and_no_possible_one_is_missed(pods: list[dict[str, Any]]) -> None:
    racks = [("a", {"zone": "x", "rack": "1"}), ("b", {"zone": "x", "rack": "2"}), ("c", {"zone": "y"}), ("d", {})]
    nodes = [node(name, labels=labels) for name, labels in racks]
    snapshot = cluster(nodes)
    for number, made in enumerate(pods):
        wanted = pod(f"p{number}", **made)
        possible = {each.name for each in nodes if may_be_on(wanted, each, snapshot)}
        placement = place(wanted, snapshot)
        assert {verdict.node for verdict in placement.verdicts if not verdict.refused} == possible
        if placement.node:
            snapshot.add(wanted, snapshot.nodes[placement.node])
