"""Pods near and far from others. The property test restates the rules pod by pod, without any counting."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podling.api import selectors
from scheduler.cycle import place
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot
from tests.unit.scheduler.making import HOSTNAME, cluster, near, node, pod, put, selector

NOT_NEAR = "node(s) didn't match pod affinity rules"
TOO_NEAR = "node(s) didn't match pod anti-affinity rules"
UNWELCOME = "node(s) didn't satisfy existing pods anti-affinity rules"
WEB, DB = selector(app="web"), selector(app="db")


def web(name: str = "a", **more: Any) -> PodInfo:
    return pod(name, labels={"app": "web"}, **more)


def zoned() -> list[NodeInfo]:
    return [node(name, labels={"zone": zone}) for name, zone in (("a", "x"), ("b", "x"), ("c", "y"))]


def test_a_pod_goes_to_the_domain_of_those_it_wants_to_be_with() -> None:
    wanted = pod(affinity=near("zone", labelSelector=WEB))
    snapshot = cluster(zoned(), c=[web("there")])
    assert place(wanted, snapshot).node == "c"
    assert place(pod(affinity=near("zone", labelSelector=DB)), snapshot).message == refusal(NOT_NEAR, 3)


def test_nodes_without_the_topology_key_are_near_nobody() -> None:
    snapshot = cluster([node("a")], a=[web("there")])
    assert place(pod(affinity=near("zone", labelSelector=WEB)), snapshot).message == refusal(NOT_NEAR)
    assert place(pod(affinity=near("zone", far=True, labelSelector=WEB)), snapshot).node == "a"


def test_the_first_of_a_group_that_wants_to_be_together_starts_anywhere() -> None:
    together = {"affinity": near("zone", labelSelector=WEB)}
    snapshot = cluster(zoned())
    first = put(snapshot, web("first", **together))
    zone = snapshot.nodes[first].labels["zone"]
    for number in range(3):
        assert snapshot.nodes[put(snapshot, web(f"w{number}", **together))].labels["zone"] == zone
    assert place(pod("other", **together), cluster(zoned())).message == refusal(NOT_NEAR, 3)


def test_one_pod_must_match_every_required_term() -> None:
    terms = [{"topologyKey": "zone", "labelSelector": each} for each in (WEB, selector(tier="front"))]
    wanted = pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
    assert place(wanted, cluster(zoned(), a=[web("w"), pod("f", labels={"tier": "front"})])).node == ""
    both = pod("both", labels={"app": "web", "tier": "front"})
    assert place(wanted, cluster(zoned(), c=[both])).node == "c"


def test_pods_apart_take_a_node_each() -> None:
    snapshot = cluster(node(name) for name in "abc")
    apart = {"affinity": near(far=True, labelSelector=WEB)}
    placed = [put(snapshot, web(f"w{number}", **apart)) for number in range(4)]
    assert sorted(placed[:3]) == ["a", "b", "c"]
    assert placed[3] == refusal(TOO_NEAR, 3)


def test_a_pod_that_wants_to_be_alone_keeps_newcomers_away() -> None:
    hermit = pod("hermit", affinity=near(far=True, labelSelector=WEB))
    snapshot = cluster([node("a")], a=[hermit])
    assert place(web(), snapshot).message == refusal(UNWELCOME)
    assert place(pod("other"), snapshot).node == "a"


@pytest.mark.parametrize(
    ("term", "sees"),
    [
        ({}, {"default"}),
        ({"namespaces": ["there"]}, {"there"}),
        ({"namespaces": ["default", "there"]}, {"default", "there"}),
        ({"namespaceSelector": {}}, {"default", "there", "else"}),
        ({"namespaceSelector": selector(team="x")}, {"there"}),
        ({"namespaceSelector": selector(team="x"), "namespaces": ["else"]}, {"there", "else"}),
        ({"namespaceSelector": selector(team="none")}, set()),
    ],
)
def test_a_term_looks_into_the_namespaces_it_names(term: dict[str, Any], sees: set[str]) -> None:
    for namespace in ("default", "there", "else"):
        snapshot = cluster([node("a")], a=[web("there", namespace=namespace)])
        snapshot.namespaces.update({"default": {}, "there": {"team": "x"}, "else": {"team": "y"}})
        refused = place(pod(affinity=near(far=True, labelSelector=WEB, **term)), snapshot).node == ""
        assert refused == (namespace in sees)


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    snapshot = cluster([node("a")], a=[web("there")])
    assert place(pod(affinity=near(far=True)), snapshot).node == "a"
    assert place(pod(affinity=near(far=True, labelSelector={})), snapshot).node == ""


def test_company_is_preferred_and_so_is_distance() -> None:
    there = {"a": [web("w"), web("v")], "c": [pod("d", labels={"app": "db"})]}
    assert place(pod(affinity=near("zone", labelSelector=DB, weight=50)), cluster(zoned(), **there)).node == "c"
    assert (
        place(pod(affinity=near("zone", far=True, labelSelector=WEB, weight=50)), cluster(zoned(), **there)).node == "c"
    )


def test_what_the_pods_there_prefer_counts_for_a_newcomer() -> None:
    for affinity, best in (
        (near(labelSelector=WEB, weight=10), "a"),
        (near(labelSelector=WEB), "a"),  # required of them: they like the company
        (near(far=True, labelSelector=WEB, weight=10), "b"),
    ):
        snapshot = cluster([node("a"), node("b")], a=[pod("there", cpu="1m", affinity=affinity)])
        assert place(web(), snapshot).node == best


def refusal(reason: str, count: int = 1) -> str:
    return f"0/{count} nodes are available: {count} {reason}."


LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
TERM = st.fixed_dictionaries(
    {"topologyKey": st.sampled_from([HOSTNAME, "zone"]), "labelSelector": LABELS.map(lambda found: selector(**found))},
    optional={"namespaces": st.just(["other"]), "namespaceSelector": st.just(selector(team="x"))},
)
AFFINITY = st.fixed_dictionaries(
    {},
    optional={
        kind: st.lists(TERM, min_size=1, max_size=2).map(
            lambda t: {"requiredDuringSchedulingIgnoredDuringExecution": t}
        )
        for kind in ("podAffinity", "podAntiAffinity")
    },
)
POD = st.fixed_dictionaries(
    {"labels": LABELS, "namespace": st.sampled_from(["default", "other"]), "affinity": AFFINITY}
)
NAMESPACES = {"default": {"team": "x"}, "other": {}}


def terms(pod: PodInfo, kind: str) -> list[Any]:
    found = getattr(pod.pod.spec.affinity, kind)
    return list(found.requiredDuringSchedulingIgnoredDuringExecution or ()) if found else []


def speaks_of(term: Any, owner: PodInfo, other: PodInfo) -> bool:
    names = set(term.namespaces or ())
    if term.namespaceSelector is not None:
        chosen = selectors.from_object(term.namespaceSelector)
        names |= {name for name, labels in NAMESPACES.items() if selectors.matches(chosen, labels)}
    elif not names:
        names = {owner.namespace}
    matches = selectors.matches(selectors.from_object(term.labelSelector), other.pod.metadata.labels)
    return matches and other.namespace in names


def same(key: str, one: NodeInfo, other: NodeInfo) -> bool:
    return key in one.labels and one.labels[key] == other.labels.get(key)


def may_be_on(pod: PodInfo, here: NodeInfo, snapshot: Snapshot) -> bool:
    """The rules, restated."""
    placed = [(other, where) for where in snapshot.nodes.values() for other in where.pods.values()]
    for other, where in placed:
        if any(speaks_of(t, other, pod) and same(t.topologyKey, where, here) for t in terms(other, "podAntiAffinity")):
            return False
        if any(speaks_of(t, pod, other) and same(t.topologyKey, where, here) for t in terms(pod, "podAntiAffinity")):
            return False
    wanted = terms(pod, "podAffinity")
    if any(t.topologyKey not in here.labels for t in wanted):
        return False
    friends = [
        (other, where)
        for other, where in placed
        if all(speaks_of(t, pod, other) for t in wanted) and any(t.topologyKey in where.labels for t in wanted)
    ]
    if not friends and all(speaks_of(t, pod, pod) for t in wanted):
        return True
    return all(any(same(t.topologyKey, where, here) for _, where in friends) for t in wanted)


@given(st.lists(POD, max_size=12))
def test_no_placement_breaks_a_rule_and_no_possible_one_is_missed(pods: list[dict[str, Any]]) -> None:
    nodes = [
        node("a", labels={"zone": "x"}),
        node("b", labels={"zone": "x"}),
        node("c", labels={"zone": "y"}),
        node("d"),
    ]
    snapshot = cluster(nodes)
    snapshot.namespaces.update(NAMESPACES)
    for number, made in enumerate(pods):
        wanted = pod(f"p{number}", **made)
        possible = {each.name for each in nodes if may_be_on(wanted, each, snapshot)}
        placement = place(wanted, snapshot)
        assert {verdict.node for verdict in placement.verdicts if not verdict.refused} == possible
        if placement.node:
            snapshot.add(wanted, snapshot.nodes[placement.node])
    for each in nodes:
        for there in list(each.pods.values()):
            snapshot.remove(there, each)
    assert not snapshot.alike and not snapshot.anti and not snapshot.pull


@pytest.mark.parametrize(("web_weight", "db_weight", "best"), [(2, 1, "a"), (1, 2, "c")])
def test_the_heavier_of_two_wishes_wins(web_weight: int, db_weight: int, best: str) -> None:
    wishes = [
        {"weight": weight, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": each}}
        for weight, each in ((web_weight, WEB), (db_weight, DB))
    ]
    wanted = pod(affinity={"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wishes}})
    snapshot = cluster(zoned(), a=[web("w")], b=[pod("x"), pod("y")], c=[pod("d", labels={"app": "db"})])
    assert place(wanted, snapshot).node == best
