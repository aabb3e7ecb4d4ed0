"""`podling.storage.Storage` over an engine in the caller's own process: no wire, no copies."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from podling.storage import Batch, Delete, If, Put, Range, Written
from store.engine import Engine
from store.errors import EmptyKey, NoLease
from store.ops import RangeOp
from store.watch import Span

PROGRESS_SECONDS = 5.0
_TAKE_EVENTS = 500


class LocalStorage:
    """`engine` may serve etcd's API to others at the same time (`store.service.serve`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._watches: set[asyncio.Event] = set()
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> "LocalStorage":
        """The store in the folder `path`, made where there is none; raises `StorageUnavailable` where it is in use."""
        return cls(await Engine.open(path))

    async def get(self, key: bytes, revision: int = 0) -> Range:
        return self._read(RangeOp(key, revision=revision))

    async def range(
        self, start: bytes, end: bytes, *, revision: int = 0, limit: int = 0, keys_only: bool = False
    ) -> Range:
        return self._read(RangeOp(start, end, limit=limit, revision=revision, keys_only=keys_only))

    async def count(self, start: bytes, end: bytes) -> int:
        return self.engine.read(RangeOp(start, end, count_only=True)).total

    def _read(self, op: RangeOp) -> Range:
        answer = self.engine.read(op)
        return Range(answer.kvs, answer.total, answer.revision)

    async def write(self, condition: If | None, change: Put | Delete) -> Written:
        if not change.key:
            raise EmptyKey()
        return await self.engine.change(lambda: self._write(condition, change))

    def _write(self, condition: If | None, change: Put | Delete) -> Written:
        keys = self.engine.keys
        if condition is not None:
            current = keys.newest(condition.key)
            if (current.mod_revision if current else 0) != condition.mod_revision:
                return Written(False, keys.revision, current)
        if isinstance(change, Put):
            if change.lease and change.lease not in self.engine.leases:
                raise NoLease()
            keys.put(change.key, change.value, change.lease)
        else:
            keys.delete(change.key)
        return Written(True, keys.writing, None)

    async def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncIterator[Batch]:
        stirred = asyncio.Event()
        watcher = self.engine.watch(Span(start, end), from_revision, stirred.set)
        self._watches.add(stirred)
        told = watcher.revision
        try:
            while not self._closed:
                for delivery in watcher.take(_TAKE_EVENTS):
                    told = delivery.revision
                    yield Batch(delivery.revision, delivery.events)
                if not watcher.parked:
                    continue
                stirred.clear()
                try:
                    async with asyncio.timeout(PROGRESS_SECONDS):
                        await stirred.wait()
                except TimeoutError:
                    if watcher.parked and watcher.revision > told:
                        told = watcher.revision
                        yield Batch(told, ())
        finally:
            watcher.close()
            self._watches.discard(stirred)

    async def revision(self) -> int:
        return self.engine.revision

    async def compact(self, revision: int) -> None:
        await self.engine.compact(revision)

    async def lease(self, seconds: int) -> int:
        lease, _ = await self.engine.grant(seconds)
        return lease

    async def revoke(self, lease: int) -> None:
        await self.engine.revoke(lease)

    async def close(self) -> None:
        self._closed = True
        for stirred in self._watches:
            stirred.set()
        await self.engine.close()
