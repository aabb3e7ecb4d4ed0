"""The cache of one kind: what is there, what changed, and who watches."""

import msgspec
import pytest

from apiserver.objects.cached import encode
from apiserver.objects.watchcache import KindCache
from apiserver.objects.watcher import BACKLOG, Filter, Seen
from podling.api.errors import Expired
from podling.api.selectortext import parse_fields, parse_labels
from tests.unit.apiserver.conftest import NOTE, POD


def value(name: str, namespace: str = "default", **labels: str) -> bytes:
    meta = {"name": name, "namespace": namespace, "uid": name, "labels": labels}
    return encode({"kind": "Note", "apiVersion": "v1", "metadata": meta, "text": "hi"})


def filled(ring: int = 100) -> KindCache:
    cache = KindCache(NOTE, ring)
    cache.load([("default/a", value("a", tier="front"), 3), ("other/b", value("b", "other"), 4)], 5)
    return cache


def types(events: list[Seen]) -> list[tuple[str, int]]:
    return [(event.type, event.revision) for event in events]


def test_an_object_carries_its_version_and_its_bytes() -> None:
    cached = filled().get("default", "a")
    assert cached is not None
    assert cached.metadata["resourceVersion"] == "3"
    assert msgspec.json.decode(cached.encoded) == cached.object
    assert cached.encoded.startswith(b'{"kind":"Note","apiVersion":"v1","metadata"')
    assert msgspec.json.decode(b"{" + cached.tail).keys() == {"metadata", "text"}


def test_a_copy_may_be_changed_without_harm() -> None:
    cached = filled().get("default", "a")
    assert cached is not None
    cached.copy()["metadata"]["name"] = "z"
    assert cached.metadata["name"] == "a"


def test_lists_are_in_key_order_and_of_one_namespace_alone() -> None:
    cache = filled()
    cache.put("default-2/c", value("c", "default-2"), 6)
    assert [cached.key for cached in cache.select(Filter())] == ["default-2/c", "default/a", "other/b"]
    assert [cached.key for cached in cache.select(Filter("default"))] == ["default/a"]
    assert list(cache.select(Filter("default", "nobody"))) == []


def test_an_object_that_comes_to_match_is_added_and_one_that_no_longer_does_is_deleted() -> None:
    cache = filled()
    watcher = cache.watch(Filter(labels=parse_labels("tier=back")), 5)
    cache.put("default/a", value("a", tier="back"), 6)
    cache.put("default/a", value("a", tier="back", more="1"), 7)
    cache.put("default/a", value("a", tier="front"), 8)
    cache.delete("default/a", 9)
    events = watcher.take()
    assert types(events) == [("ADDED", 6), ("MODIFIED", 7), ("DELETED", 8)]
    assert events[-1].cached is not None
    assert events[-1].cached.metadata["labels"]["tier"] == "back"
    assert events[-1].cached.metadata["resourceVersion"] == "8"


def test_a_deleted_object_is_told_as_it_was_at_the_revision_of_its_end() -> None:
    cache = filled()
    watcher = cache.watch(Filter(), 5)
    cache.delete("other/b", 6)
    (event,) = watcher.take()
    assert (event.type, event.cached and event.cached.metadata["resourceVersion"]) == ("DELETED", "6")


def test_field_selectors_read_what_the_kind_selects() -> None:
    cache = KindCache(POD)
    pod = {"metadata": {"name": "p", "namespace": "default"}, "status": {"phase": "Running"}}
    cache.load([("default/p", encode(pod), 3)], 3)
    assert len(list(cache.select(Filter(fields=parse_fields("status.phase=Running,metadata.name=p"))))) == 1
    assert not list(cache.select(Filter(fields=parse_fields("status.phase!=Running"))))


def test_a_watch_from_a_version_gets_what_happened_since() -> None:
    cache = filled()
    cache.put("default/c", value("c"), 6)
    cache.put("default/d", value("d"), 7)
    assert types(cache.watch(Filter(), 6).take()) == [("ADDED", 7)]


def test_a_version_that_the_ring_has_forgotten_is_expired() -> None:
    cache = filled(ring=2)
    for revision in (6, 7, 8):
        cache.put(f"default/n{revision}", value(f"n{revision}"), revision)
    with pytest.raises(Expired, match=r"too old resource version: 5 \(6\)"):
        cache.watch(Filter(), 5)
    assert len(cache.watch(Filter(), 6).take()) == 2


def test_a_watch_from_before_the_cache_was_loaded_is_expired() -> None:
    with pytest.raises(Expired):
        filled().watch(Filter(), 4)


def test_a_slow_watcher_is_cut_and_the_others_go_on() -> None:
    cache = filled()
    slow, other = cache.watch(Filter(), 5), cache.watch(Filter(namespace="other"), 5)
    for revision in range(6, BACKLOG + 8):
        cache.put("default/a", value("a"), revision)
    assert slow.ended
    assert slow not in cache.watchers
    assert not other.ended


def test_what_is_there_at_first_does_not_count_against_a_watcher() -> None:
    cache = KindCache(NOTE)
    cache.load([(f"default/n{at}", value(f"n{at}"), 2) for at in range(BACKLOG + 100)], 2)
    watcher = cache.watch(Filter(), 2)
    watcher.start_with(cache.select(Filter()))
    cache.put("default/a", value("a"), 3)
    assert not watcher.ended
    assert len(watcher.take()) == BACKLOG + 101


async def test_a_waiting_watcher_wakes_for_a_change_and_for_its_end() -> None:
    cache = filled()
    watcher = cache.watch(Filter(), 5)
    cache.put("default/a", value("a"), 6)
    await watcher.wait(10)
    assert len(watcher.take()) == 1
    cache.cut()
    await watcher.wait(10)
    assert watcher.ended


def test_a_value_that_is_no_object_is_left_out_and_named() -> None:
    cache = KindCache(NOTE)
    assert cache.load([("default/a", b"not json", 2), ("default/b", value("b"), 3), ("default/c", b"[]", 4)], 4) == [
        "default/a",
        "default/c",
    ]
    assert list(cache.objects) == ["default/b"]
