"""Who watches what, and how far each has come. No clock, no I/O.

A watcher is a cursor into the changes since the last compaction, not a queue: it is woken once, then takes what it
has room for. One that is slow falls behind and reads on from where it was; it holds nobody up and no memory, and if
a compaction overtakes it, it is told so.

    behind ──take() came to the end──▶ parked ──a change in its span──▶ behind
       └──its next revision is compacted──▶ CompactedRevision

Watchers of the same span and changes form a group: a change is matched once a group, and its deliveries are shared.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from podling.storage import Change, Event
from store.errors import CompactedRevision
from store.mvcc import FIRST_REVISION

ALL_CHANGES = frozenset(Change)


class Span(NamedTuple):
    """`end` empty is the one key, b"\\0" everything from `key` on."""

    key: bytes
    end: bytes = b""
    changes: frozenset[Change] = ALL_CHANGES

    def sees(self, event: Event) -> bool:
        key = event.kv.key
        if event.change not in self.changes:
            return False
        if not self.end:
            return key == self.key
        return key >= self.key and (self.end == b"\0" or key < self.end)


class Delivery:
    """The events of one revision that a span sees. `encoded` is the server's to fill: wire bytes by what was asked."""

    __slots__ = ("encoded", "events", "revision")

    def __init__(self, revision: int, events: Sequence[Event]) -> None:
        self.revision = revision
        self.events = events
        self.encoded: dict[bool, bytes] = {}


class Watcher:
    """`revision` is the one up to which everything has been taken."""

    __slots__ = ("_group", "_hub", "_next", "parked", "wake")

    def __init__(self, hub: "Hub", group: "_Group", next_revision: int, wake: Callable[[], None]) -> None:
        self._hub = hub
        self._group = group
        self._next = next_revision
        self.wake = wake
        self.parked = False

    @property
    def revision(self) -> int:
        return max(self._hub.revision, self._next - 1) if self.parked else self._next - 1

    def take(self, most: int) -> list[Delivery]:
        """The next revisions that the span sees, in order, no more once `most` events are reached.

        Nothing: it is parked, and `wake` will be called. Raises `CompactedRevision`.
        """
        if self.parked:
            return []
        hub, group = self._hub, self._group
        if self._next < hub.compacted:
            raise CompactedRevision(hub.compacted)
        if self._next == group.first:
            self._next = hub.revision + 1
            return group.latest
        taken: list[Delivery] = []
        for delivery in hub.since(self._next):
            if most <= 0:
                break
            self._next = delivery.revision + 1
            events = [event for event in delivery.events if group.span.sees(event)]
            if events:
                taken.append(Delivery(delivery.revision, events))
                most -= len(events)
        if not taken:
            self.parked = True
            group.parked.add(self)
        return taken

    def stir(self, first: int) -> None:
        """Changes from `first` on concern it."""
        self.parked = False
        self._next = max(self._next, first)
        self.wake()

    def close(self) -> None:
        self._hub.leave(self, self._group)


class _Group:
    """`latest` is what the newest publication, which began at revision `first`, had for this span."""

    __slots__ = ("first", "latest", "members", "parked", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.members: set[Watcher] = set()
        self.parked: set[Watcher] = set()
        self.first = 0
        self.latest: list[Delivery] = []


class Hub:
    """The changes since the last compaction, one `Delivery` a revision without a gap, and who watches them."""

    def __init__(self) -> None:
        self.revision = FIRST_REVISION
        self.compacted = 0
        self._history: list[Delivery] = []
        self._points: dict[Span, _Group] = {}
        self._ranges: dict[Span, _Group] = {}

    def load(self, events: Iterable[Event], revision: int, compacted: int) -> None:
        """Fill from the log: events in order, those before `compacted` not among them."""
        self.revision, self.compacted = revision, compacted
        self._history = [
            Delivery(at, list(together)) for at, together in groupby(events, key=lambda event: event.kv.mod_revision)
        ]

    def watch(self, span: Span, from_revision: int, wake: Callable[[], None]) -> Watcher:
        """From a revision on, 0: from now on. `wake` is called when there is something to take after there was not."""
        groups = self._ranges if span.end else self._points
        group = groups.get(span)
        if group is None:
            group = groups[span] = _Group(span)
        watcher = Watcher(self, group, from_revision or self.revision + 1, wake)
        group.members.add(watcher)
        return watcher

    def leave(self, watcher: Watcher, group: _Group) -> None:
        group.members.discard(watcher)
        group.parked.discard(watcher)
        if not group.members:
            (self._ranges if group.span.end else self._points).pop(group.span, None)

    def __len__(self) -> int:
        """How many watchers there are."""
        return sum(len(group.members) for groups in (self._points, self._ranges) for group in groups.values())

    def since(self, revision: int) -> Iterator[Delivery]:
        """What happened from a revision on."""
        if self._history:
            for place in range(max(revision - self._history[0].revision, 0), len(self._history)):
                yield self._history[place]

    def publish(self, changes: Sequence[Delivery]) -> None:
        """The disk has these revisions: remember them and wake whom they concern."""
        self._history += changes
        self.revision = changes[-1].revision
        first = changes[0].revision
        for group in list(self._ranges.values()):
            self._offer(group, changes, first)
        if self._points:
            touched = {event.kv.key for delivery in changes for event in delivery.events}
            for span, group in list(self._points.items()):
                if span.key in touched:
                    self._offer(group, changes, first)

    def _offer(self, group: _Group, changes: Sequence[Delivery], first: int) -> None:
        sees = group.span.sees
        latest: list[Delivery] = []
        for delivery in changes:
            events = [event for event in delivery.events if sees(event)]
            if len(events) == len(delivery.events):
                latest.append(delivery)
            elif events:
                latest.append(Delivery(delivery.revision, events))
        if not latest:
            return
        group.first, group.latest = first, latest
        stirred, group.parked = group.parked, set()
        for watcher in stirred:
            watcher.stir(first)

    def compact(self, revision: int) -> None:
        """Forget the changes before a revision; the states before it are no longer told either."""
        self.compacted = revision
        if not self._history:
            return
        del self._history[: max(revision - self._history[0].revision, 0)]
        if self._history and self._history[0].revision == revision:
            bare = [event._replace(previous=None) for event in self._history[0].events]
            self._history[0] = Delivery(revision, bare)
