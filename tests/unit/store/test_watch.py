import pytest

from podling.storage import Change, Compacted, Event, KeyValue
from store.mvcc import tombstone
from store.watch import Delivery, Hub, Span, Watcher

A, B = Span(b"a"), Span(b"b")
ALL = Span(b"\0", b"\0")


class Client:
    """A watcher that counts how often it was woken."""

    def __init__(self, hub: Hub, span: Span, from_revision: int = 0) -> None:
        self.woken = 0
        self.watcher: Watcher = hub.watch(span, from_revision, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def revisions(self, most: int = 100) -> list[int]:
        return [delivery.revision for delivery in self.watcher.take(most)]


def put(key: bytes, revision: int) -> Event:
    return Event(Change.PUT, KeyValue(key, b"", revision, revision, 1, 0), None)


def publish(hub: Hub, *keys: bytes) -> None:
    """One revision a key, all in one commit."""
    changes = [Delivery(hub.revision + 1 + n, [put(key, hub.revision + 1 + n)]) for n, key in enumerate(keys)]
    hub.publish(changes)


def test_a_watcher_is_woken_once_and_only_for_its_span() -> None:
    hub = Hub()
    client = Client(hub, A)
    assert client.revisions() == [] and client.watcher.parked
    publish(hub, b"b")
    assert client.woken == 0
    publish(hub, b"a", b"b", b"a")
    publish(hub, b"a")
    assert client.woken == 1
    assert client.revisions() == [3, 5, 6]
    assert client.revisions() == [] and client.watcher.revision == 6


def test_a_watcher_replays_from_where_it_asked() -> None:
    hub = Hub()
    publish(hub, b"a", b"b", b"a")
    assert Client(hub, A, 3).revisions() == [4]
    assert Client(hub, ALL, 2).revisions() == [2, 3, 4]
    assert Client(hub, A).revisions() == []


def test_a_watcher_takes_no_more_than_it_has_room_for() -> None:
    hub = Hub()
    publish(hub, *[b"a"] * 5)
    client = Client(hub, A, 2)
    assert [client.revisions(2), client.revisions(2), client.revisions(2), client.revisions(2)] == [
        [2, 3], [4, 5], [6], [],
    ]  # fmt: skip


def test_a_slow_watcher_misses_nothing() -> None:
    hub = Hub()
    slow, fast = Client(hub, ALL), Client(hub, ALL)
    assert slow.revisions() == fast.revisions() == []
    for n in range(10):
        publish(hub, b"a", b"b")
        assert fast.revisions() == [2 * n + 2, 2 * n + 3]
        assert fast.revisions() == []
    seen: list[int] = []
    while taken := slow.revisions(3):
        seen += taken
    assert seen == list(range(2, 22)) and slow.woken == 1


def test_a_watcher_of_the_future_waits_for_it() -> None:
    hub = Hub()
    client = Client(hub, A, 4)
    assert client.revisions() == []
    publish(hub, b"a", b"a")
    assert client.revisions() == []
    publish(hub, b"a")
    assert client.revisions() == [4]


def test_watchers_of_one_span_share_a_delivery() -> None:
    hub = Hub()
    clients = [Client(hub, A) for _ in range(3)]
    for client in clients:
        client.revisions()
    publish(hub, b"a", b"b")
    first, second, third = (client.watcher.take(9) for client in clients)
    assert first[0] is second[0] is third[0]


def test_a_filter_leaves_out_what_it_names() -> None:
    hub = Hub()
    deletions = Client(hub, Span(b"a", b"", frozenset({Change.DELETE})))
    deletions.revisions()
    publish(hub, b"a")
    assert deletions.woken == 0
    hub.publish([Delivery(3, [Event(Change.DELETE, tombstone(b"a", 3), None)])])
    assert deletions.revisions() == [3]


def test_a_watcher_overtaken_by_a_compaction_is_told() -> None:
    hub = Hub()
    behind, parked, at = Client(hub, A, 2), Client(hub, B), Client(hub, ALL, 4)
    parked.revisions()
    publish(hub, b"a", b"a", b"a")
    hub.compact(4)
    with pytest.raises(Compacted) as told:
        behind.revisions()
    assert told.value.compact_revision == 4
    assert at.revisions() == [4]
    publish(hub, b"b")
    assert parked.revisions() == [5]


def test_a_closed_watcher_is_not_woken() -> None:
    hub = Hub()
    client, other = Client(hub, A), Client(hub, A)
    client.revisions(), other.revisions()
    client.watcher.close()
    publish(hub, b"a")
    assert (client.woken, other.woken) == (0, 1)


def test_a_hub_filled_from_the_log_replays_whole_revisions() -> None:
    hub = Hub()
    hub.load([put(b"a", 3), put(b"b", 3), put(b"a", 4)], 4, 3)
    assert [len(delivery.events) for delivery in Client(hub, ALL, 3).watcher.take(9)] == [2, 1]
