"""The objects of one kind as they are now, with their bytes, and the changes that led there.

    storage event ──▶ KindCache.apply ──▶ objects (sorted by key)     lists join their bytes
                                    └───▶ ring of Changes ──▶ watchers: each change is encoded once, whoever watch

Nothing here waits or reads a clock. Objects are shared: whoever wants to change one decodes `Cached.copy()`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sortedcontainers import SortedDict

from apiserver import keys
from apiserver.kinds.kind import Kind
from apiserver.watcher import Filter, Watcher
from podling.api.errors import Expired

Object = dict[str, Any]

RING = 2048  # changes that a kind remembers for watches from a version

UNREADABLE = (ValueError, KeyError, TypeError)  # what a value that is no object raises

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def head(kind: Kind) -> bytes:
    """How the JSON of every object of a kind starts; a list's items leave it out."""
    return b'{"kind":%s,"apiVersion":%s,' % (encode(kind.kind), encode(kind.api_version))


class Cached:
    """One object at one revision. Its JSON is `head + tail`; an item of a list is `{` + tail."""

    __slots__ = ("_fields", "head", "key", "kind", "object", "revision", "tail")

    def __init__(self, kind: Kind, start: bytes, key: str, body: Object, revision: int) -> None:
        self.kind, self.head, self.key, self.object, self.revision = kind, start, key, body, revision
        if revision:  # 0: was never written, a dry run's
            body["metadata"]["resourceVersion"] = str(revision)
        self.tail = encode({name: value for name, value in body.items() if name not in ("kind", "apiVersion")})[1:]
        self._fields: Mapping[str, str] | None = None

    @property
    def encoded(self) -> bytes:
        return self.head + self.tail

    @property
    def item(self) -> bytes:
        return b"{" + self.tail

    @property
    def metadata(self) -> Object:
        return self.object["metadata"]  # type: ignore[no-any-return]

    @property
    def fields(self) -> Mapping[str, str]:
        """What field selectors read."""
        if self._fields is None:
            named = {"metadata.name": self.metadata["name"], "metadata.namespace": self.metadata.get("namespace", "")}
            self._fields = {**self.kind.selectable(self.object), **named}
        return self._fields

    def copy(self) -> Object:
        """A fresh object that its owner may change."""
        return decode(self.encoded)  # type: ignore[no-any-return]

    def at(self, revision: int) -> "Cached":
        """The same object, stamped with a later revision: what a DELETED event carries."""
        return Cached(self.kind, self.head, self.key, self.copy(), revision)


class Change:
    """One write of one object. `current` is None when it was deleted, `previous` when it was created."""

    __slots__ = ("_gone", "current", "forms", "previous", "revision")

    def __init__(self, revision: int, current: Cached | None, previous: Cached | None) -> None:
        self.revision, self.current, self.previous = revision, current, previous
        self.forms: dict[tuple[str, str], bytes] = {}  # (form, event type) to bytes, filled by whoever first needs one
        self._gone: Cached | None = None

    @property
    def gone(self) -> Cached:
        """The previous object at this revision."""
        if self._gone is None:
            assert self.previous is not None
            self._gone = self.previous.at(self.revision)
        return self._gone


class KindCache:
    def __init__(self, kind: Kind, ring: int = RING) -> None:
        self.kind, self.head, self.prefix = kind, head(kind), keys.prefix(kind)
        self.objects: SortedDict = SortedDict()
        self.ring: deque[Change] = deque(maxlen=ring)
        self.since = 0  # changes after this revision are in the ring
        self.changed = 0  # the revision of the newest change
        self.version = 0  # counts changes and loads
        self.watchers: set[Watcher] = set()

    def load(self, found: Iterable[tuple[str, bytes, int]], revision: int) -> list[str]:
        """Start over from (relative key, value, mod revision) of every object at `revision`; the unreadable keys."""
        objects, unreadable = {}, []
        for key, value, at in found:
            try:
                objects[key] = self._cached(key, value, at)
            except UNREADABLE:
                unreadable.append(key)
        self.objects = SortedDict(objects)
        self.version += 1
        self.ring.clear()
        self.since = self.changed = revision
        return unreadable

    def _cached(self, key: str, value: bytes, revision: int) -> Cached:
        return Cached(self.kind, self.head, key, decode(value), revision)

    def put(self, key: str, value: bytes, revision: int) -> None:
        current = self._cached(key, value, revision)
        previous = self.objects.get(key)
        self.objects[key] = current
        self._record(Change(revision, current, previous))

    def delete(self, key: str, revision: int) -> None:
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
        return self.objects.get(keys.relative(self.kind, namespace, name))  # type: ignore[no-any-return]

    def select(self, wanted: Filter) -> Iterator[Cached]:
        """What the filter lets through, in key order."""
        for key in self._range(wanted):
            cached = self.objects[key]
            if wanted.matches(cached):
                yield cached

    def _range(self, wanted: Filter) -> Iterable[str]:
        if not (self.kind.namespaced and wanted.namespace):
            return self.objects.keys()  # type: ignore[no-any-return]
        if wanted.name:
            key = f"{wanted.namespace}/{wanted.name}"
            return (key,) if key in self.objects else ()
        return self.objects.irange(  # type: ignore[no-any-return]
            f"{wanted.namespace}/", f"{wanted.namespace}0", (True, False)
        )

    def changes_after(self, revision: int) -> list[Change]:
        """Raises `Expired` when the ring no longer reaches back that far."""
        if revision < self.since:
            raise Expired(f"too old resource version: {revision} ({self.since})")
        return [change for change in self.ring if change.revision > revision]

    def watch(self, wanted: Filter, after: int) -> Watcher:
        """Every change after revision `after`, past ones first."""
        watcher = Watcher(wanted, self.changes_after(after))
        self.watchers.add(watcher)
        return watcher

    def forget(self, watcher: Watcher) -> None:
        self.watchers.discard(watcher)

    def cut(self) -> None:
        """End every watch: their clients come back with the version that they have seen."""
        for watcher in self.watchers:
            watcher.cut()
        self.watchers.clear()
