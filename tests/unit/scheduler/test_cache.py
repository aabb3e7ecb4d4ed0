from typing import Any

import pytest

from podling.client.codec import typed
from podling.client.resource import NODES
from scheduler.cache import Cache
from scheduler.plugins.plugin import PODS, ROOM
from tests.unit.scheduler.making import near, pod, selector


def cached(*names: str) -> Cache:
    cache = Cache()
    for name in names:
        allocatable = {"cpu": "2", "memory": "4Gi", "pods": "110"}
        cache.set_node(name, typed({"metadata": {"name": name}, "status": {"allocatable": allocatable}}, NODES.type))
    return cache


def used(cache: Cache, node: str = "a") -> int:
    return cache.snapshot.nodes[node].requested["cpu"]


def made(name: str = "p", cpu: str = "1", **more: Any) -> Any:
    return pod(name, cpu=cpu, nodeName="a", **more).pod


def test_a_pod_seen_twice_counts_once() -> None:
    cache = cached("a")
    assert cache.set_pod(None, made()) == {PODS}
    assert cache.set_pod(made(), made()) == set()
    assert used(cache) == 1000


def test_a_pod_that_ends_makes_room() -> None:
    cache = cached("a")
    cache.set_pod(None, made())
    assert cache.set_pod(made(), made(status={"phase": "Succeeded"})) == {ROOM, PODS}
    assert used(cache) == 0 and not cache.snapshot.alike


def test_a_pod_made_again_under_its_name_takes_the_place_of_the_old() -> None:
    cache = cached("a")
    cache.set_pod(None, made())
    cache.set_pod(made(), made(metadata={"uid": "other"}))
    assert used(cache) == 1000
    assert list(cache.snapshot.nodes["a"].pods) == ["other"]


@pytest.mark.parametrize(
    ("changed", "changes"),
    [({"cpu": "500m"}, {ROOM}), ({"cpu": "2"}, set()), ({"labels": {"app": "web"}}, {PODS})],
)
def test_what_a_changed_pod_changes_for_others_is_told(changed: dict[str, Any], changes: set[str]) -> None:
    cache = cached("a")
    cache.set_pod(None, made())
    assert cache.set_pod(made(), made(**changed)) == changes


def test_pods_of_a_node_that_is_not_known_count_when_it_is() -> None:
    cache = Cache()
    cache.set_pod(None, made())
    assert not cache.snapshot.alike
    cache.set_node("a", cached("a").snapshot.nodes["a"].node)
    assert used(cache) == 1000 and cache.snapshot.alike
    cache.set_node("a", None)
    assert not cache.snapshot.alike and not cache.snapshot.nodes
    cache.set_node("a", cached("a").snapshot.nodes["a"].node)
    assert used(cache) == 1000


def test_nothing_is_left_of_pods_that_are_gone() -> None:
    cache = cached("a")
    wants = near(far=True, labelSelector=selector(app="web"))
    likes = near(labelSelector=selector(app="web"), weight=5)
    for name, affinity in (("x", wants), ("y", likes), ("z", near(labelSelector=selector(app="db")))):
        cache.set_pod(None, made(name, affinity=affinity))
    nominated = pod("n", status={"nominatedNodeName": "a"}).pod
    cache.set_pod(None, nominated)
    assert cache.snapshot.nominated["a"].keys() == {"n"}
    for name, affinity in (("x", wants), ("y", likes), ("z", near(labelSelector=selector(app="db")))):
        cache.set_pod(made(name, affinity=affinity), None)
    cache.set_pod(nominated, None)
    left = cache.snapshot
    assert not left.alike and not left.anti and not left.pull and not left.nominated


def test_an_assumed_pod_is_put_back_after_it_was_thought_away() -> None:
    cache = cached("a")
    waiting = pod("p", cpu="1")
    cache.assume(waiting, "a")
    with cache.without("p"):
        assert used(cache) == 0
    assert used(cache) == 1000 and cache.counts("p")
