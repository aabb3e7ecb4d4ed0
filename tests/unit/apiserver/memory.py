"""A keeper of keys in memory: `podling.storage.Storage` with every revision kept, and bad days on request."""

import asyncio
from collections.abc import AsyncIterator

from podling.storage import (
    Batch,
    Change,
    Compacted,
    Delete,
    Event,
    If,
    KeyValue,
    Put,
    Range,
    StorageUnavailable,
    Written,
)


class MemoryStorage:
    """`away` makes every call fail; `before_write` runs once, just before the next write is compared."""

    def __init__(self) -> None:
        self.events: list[Event] = []  # the one of revision n stands at n - 2
        self.compacted = 0
        self.away = False
        self.before_write: list[tuple[bytes, bytes]] = []
        self.leases: list[int] = []
        self.writes = 0
        self._changed = asyncio.Event()
        self.compacting = asyncio.Event()
        self.broken = False

    def _check(self) -> None:
        if self.away:
            raise StorageUnavailable("nobody home")

    def _state(self, revision: int = 0) -> dict[bytes, KeyValue]:
        state: dict[bytes, KeyValue] = {}
        for event in self.events:
            if revision and event.kv.mod_revision > revision:
                break
            if event.change is Change.PUT:
                state[event.kv.key] = event.kv
            else:
                state.pop(event.kv.key, None)
        return state

    async def get(self, key: bytes, revision: int = 0) -> Range:
        return await self.range(key, key + b"\0", revision=revision)

    async def range(
        self, start: bytes, end: bytes, *, revision: int = 0, limit: int = 0, keys_only: bool = False
    ) -> Range:
        self._check()
        if revision and revision < self.compacted:
            raise Compacted(self.compacted)
        found = sorted(kv for key, kv in self._state(revision).items() if start <= key and (end == b"\0" or key < end))
        return Range(found[:limit] if limit else found, len(found), await self.revision())

    async def count(self, start: bytes, end: bytes) -> int:
        return (await self.range(start, end)).total

    async def write(self, condition: If | None, change: Put | Delete) -> Written:
        self._check()
        self.writes += 1
        if self.before_write:
            self.put(*self.before_write.pop())
        current = self._state().get(condition.key if condition else change.key)
        if condition and (current.mod_revision if current else 0) != condition.mod_revision:
            return Written(False, await self.revision(), current)
        if isinstance(change, Put):
            self.put(change.key, change.value, change.lease)
        else:
            self.delete(change.key)
        return Written(True, await self.revision(), None)

    def put(self, key: bytes, value: bytes, lease: int = 0) -> None:
        """Somebody else writes."""
        before, revision = self._state().get(key), len(self.events) + 2
        created = before.create_revision if before else revision
        kv = KeyValue(key, value, created, revision, before.version + 1 if before else 1, lease)
        self._add(Event(Change.PUT, kv, before))

    def delete(self, key: bytes) -> None:
        before = self._state().get(key)
        self._add(Event(Change.DELETE, KeyValue(key, b"", 0, len(self.events) + 2, 0, 0), before))

    def _add(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def break_watches(self) -> None:
        self.broken = True
        self._changed.set()

    async def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncIterator[Batch]:
        at = from_revision - 2
        while True:
            if self.broken:
                self.broken = False
                raise StorageUnavailable("the watch broke")
            while at < len(self.events):
                event = self.events[at]
                at += 1
                yield Batch(event.kv.mod_revision, [event])
            self._changed.clear()
            await self._changed.wait()

    async def revision(self) -> int:
        self._check()
        return len(self.events) + 1

    async def compact(self, revision: int) -> None:
        self._check()
        self.compacted = revision
        self.compacting.set()

    async def lease(self, seconds: int) -> int:
        self._check()
        self.leases.append(seconds)
        return len(self.leases)

    async def revoke(self, lease: int) -> None:
        self._check()

    async def close(self) -> None:
        self._changed.set()
