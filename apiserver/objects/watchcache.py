"""The objects of one kind as they are now, with their bytes, and the changes that led there.

    storage event ──▶ KindCache.apply ──▶ objects (sorted by key)     lists join their bytes
                                    └───▶ ring of Changes ──▶ watchers: each change is encoded once, whoever watch

Nothing here waits or reads a clock.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from sortedcontainers import SortedDict

from apiserver.encryption.closed import Closed, refusal
from apiserver.kinds.kind import Kind
from apiserver.objects import keys
from apiserver.objects.cached import Cached, Change, head, stored
from apiserver.objects.watcher import Filter, Watcher
from podling.api.errors import Expired

Object = dict[str, Any]

RING = 2048  # changes that a kind remembers for watches from a version

UNREADABLE = (ValueError, KeyError, TypeError)  # what a value that is no object raises


def _bounds(kind: Kind, namespace: str) -> tuple[str, str | None]:
    """The keys of a namespace: from the first, to before the second, None being no end."""
    return (f"{namespace}/", f"{namespace}0") if kind.namespaced and namespace else ("", None)


class KindCache:
    def __init__(self, kind: Kind, ring: int = RING) -> None:
        self.kind, self.head, self.prefix = kind, head(kind), keys.prefix(kind)
        self.objects: SortedDict = SortedDict()
        self.ring: deque[Change] = deque(maxlen=ring)
        self.since = 0  # changes after this revision are in the ring
        self.changed = 0  # the revision of the newest change
        self.version = 0  # counts changes and loads
        self.watchers: set[Watcher] = set()
        self.closed: dict[str, str] = {}  # keys whose values cannot be decrypted, and why

    def load(self, found: Iterable[tuple[str, bytes, int]], revision: int) -> list[str]:
        """Start over from (relative key, value, mod revision) of every object at `revision`; the unreadable keys."""
        objects, unreadable = {}, []
        self.closed = {}
        for key, value, at in found:
            try:
                objects[key] = self._cached(key, value, at)
            except UNREADABLE:
                unreadable.append(key)
                self._close(key, value)
        self.objects = SortedDict(objects)
        self.version += 1
        self.ring.clear()
        self.since = self.changed = revision
        return unreadable

    def _cached(self, key: str, value: bytes, revision: int) -> Cached:
        return stored(self.kind, self.head, key, value, revision)

    def become(self, kind: Kind) -> None:
        """The kind was redefined; what is stored stays."""
        self.kind, self.head = kind, head(kind)
        objects: dict[str, Cached] = {
            key: Cached(kind, each.head, key, each.object, each.revision) for key, each in self.objects.items()
        }
        self.objects = SortedDict(objects)
        self.version += 1

    def _close(self, key: str, value: bytes) -> None:
        if isinstance(value, Closed):
            self.closed[key] = value.why

    def put(self, key: str, value: bytes, revision: int) -> None:
        self.closed.pop(key, None)
        try:
            current = self._cached(key, value, revision)
        except UNREADABLE:
            self._close(key, value)
            raise
        previous = self.objects.get(key)
        self.objects[key] = current
        self._record(Change(revision, current, previous))

    def delete(self, key: str, revision: int) -> None:
        self.closed.pop(key, None)
        previous = self.objects.pop(key, None)
        if previous is not None:
            self._record(Change(revision, None, previous))

    def _record(self, change: Change) -> None:
        self.version += 1
        if len(self.ring) == self.ring.maxlen:
            self.since = self.ring[0].revision
        self.ring.append(change)
        self.changed = change.revision
        for watcher in tuple(self.watchers):
            if not watcher.offer(change):
                self.watchers.discard(watcher)

    def get(self, namespace: str, name: str) -> Cached | None:
        key = keys.relative(self.kind, namespace, name)
        if key in self.closed:
            raise refusal(self.closed[key])
        return self.objects.get(key)  # type: ignore[no-any-return]

    def select(self, wanted: Filter) -> Iterator[Cached]:
        """What the filter lets through, in key order."""
        if wanted.name and (wanted.namespace or not self.kind.namespaced):
            one = self.get(wanted.namespace, wanted.name)
            return filter(wanted.matches, () if one is None else (one,))
        all_ = self.span(wanted.namespace)
        return filter(wanted.matches, all_) if wanted.name else wanted.of(all_)

    def span(self, namespace: str, start: str = "") -> Iterator[Cached]:
        """All of a namespace, or of all of them (""), in key order, from the key `start` on."""
        low, high = _bounds(self.kind, namespace)
        for key, why in self.closed.items():
            if key >= max(low, start) and (high is None or key < high):
                raise refusal(why, self.prefix + key)
        if not (low or start):
            return iter(self.objects.values())
        return map(self.objects.__getitem__, self.objects.irange(max(low, start), high, (True, False)))

    def count(self, namespace: str, start: str) -> int:
        """How many `span` gives."""
        low, high = _bounds(self.kind, namespace)
        end = len(self.objects) if high is None else self.objects.bisect_left(high)
        return end - self.objects.bisect_left(max(low, start))  # type: ignore[no-any-return]

    def changes_after(self, revision: int) -> list[Change]:
        """Raises `Expired` when the ring no longer reaches back that far."""
        if revision < self.since:
            raise Expired(f"too old resource version: {revision} ({self.since})")
        return [change for change in self.ring if change.revision > revision]

    def watch(self, wanted: Filter, after: int) -> Watcher:
        """Every change after revision `after`, past ones first."""
        watcher = Watcher(wanted, after, self.changes_after(after))
        self.watchers.add(watcher)
        return watcher

    def forget(self, watcher: Watcher) -> None:
        self.watchers.discard(watcher)

    def cut(self) -> None:
        """End every watch: their clients come back with the version that they have seen."""
        for watcher in self.watchers:
            watcher.cut()
        self.watchers.clear()
