"""The engine: one event loop's worth of state over one disk.

A request is carried out at once in memory, at the head, and answered when the disk has it (store.commit); only then
are the watchers told. Readers see up to `durable`, so nobody ever acts on what the disk may still refuse. If it
refuses, everything since `durable` is taken back.
"""

import asyncio
import logging
import secrets
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from podling.storage import KeyValue, StorageUnavailable
from store import txn
from store.check import check_delete, check_put, check_range, check_txn
from store.commit import Counts, GroupCommit
from store.lease import Leases
from store.log import Entry, Log, Size
from store.mvcc import Keys
from store.ops import DeleteAnswer, DeleteOp, PutAnswer, PutOp, RangeAnswer, RangeOp, TxnAnswer, TxnOp
from store.watch import Delivery, Hub, Span, Watcher

log = logging.getLogger(__name__)

DATABASE = "store.db"
SNAPSHOT = "snapshot-"
"""Folders beside the database that begin so belong to a snapshot on its way."""
RETRY_SECONDS = 1.0
_FORGET_AT_ONCE = 1000

T = TypeVar("T")


class LeaseState(NamedTuple):
    """Seconds left and granted, and the keys in order."""

    remaining: int
    granted: int
    keys: list[bytes]


class Engine:
    """Everything but `open` belongs to the event loop that opened it."""

    def __init__(self, disk: Log, thread: ThreadPoolExecutor, keys: Keys, hub: Hub, leases: Leases) -> None:
        self.keys = keys
        self.leases = leases
        self.hub = hub
        self._log = disk
        self._loop = asyncio.get_running_loop()
        self._commit = GroupCommit(disk, thread, self._land, self._take_back)
        self._deadline_moved = asyncio.Event()
        self._tasks = {asyncio.create_task(self._expire_forever(), name="store leases")}

    @classmethod
    async def open(cls, folder: Path) -> "Engine":
        """Read the database of a folder, or make one; raises `StorageUnavailable`."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="store-disk")
        try:
            disk, keys, hub, leases, gone = await loop.run_in_executor(thread, _read, folder / DATABASE, loop.time())
        except BaseException:
            thread.shutdown(wait=False)
            raise
        engine = cls(disk, thread, keys, hub, leases)
        if gone:
            await engine._forget(gone)
        log.info("store open path=%s revision=%d compacted=%d", disk.path, keys.revision, keys.compacted)
        return engine

    @property
    def path(self) -> Path:
        return self._log.path

    @property
    def revision(self) -> int:
        """The newest revision that the disk has."""
        return self.keys.durable

    @property
    def cluster(self) -> int:
        return self._log.cluster

    @property
    def member(self) -> int:
        return self._log.member

    @property
    def term(self) -> int:
        """Counts the starts, as etcd's terms count its leaders."""
        return self._log.opened + 1

    @property
    def refusal(self) -> str:
        """The disk's last word, "" while it writes."""
        return self._commit.refusal

    @property
    def counts(self) -> Counts:
        return self._commit.counts

    # Reading

    def read(self, op: RangeOp) -> RangeAnswer:
        self._commit.check_open()
        check_range(op)
        return txn.read(self.keys, op, self.keys.durable)

    def get(self, key: bytes) -> KeyValue | None:
        self._commit.check_open()
        return self.keys.at(key, self.keys.durable)

    def watch(self, span: Span, from_revision: int, wake: Callable[[], None]) -> Watcher:
        self._commit.check_open()
        return self.hub.watch(span, from_revision, wake)

    # Writing

    async def put(self, op: PutOp) -> PutAnswer:
        check_put(op)
        return await self.change(lambda: txn.put(self.keys, op, self.leases))

    async def delete(self, op: DeleteOp) -> DeleteAnswer:
        check_delete(op)
        return await self.change(lambda: txn.delete(self.keys, op))

    async def txn(self, op: TxnOp) -> TxnAnswer:
        check_txn(op)
        if txn.read_only(op):
            self._commit.check_open()
            return txn.read_txn(self.keys, op, self.keys.durable)
        return await self.change(lambda: txn.run(self.keys, op, self.leases))

    async def change(self, act: Callable[[], T]) -> T:
        """Run `act` as one transaction over `keys`; its answer, once the disk has what it wrote and read."""
        self._commit.check_open()
        return await self._enqueue(act)

    def _enqueue(self, act: Callable[[], T], ended: int | None = None) -> "asyncio.Future[T]":
        try:
            answer = act()
        except BaseException:
            self.keys.abandon()
            raise
        events = self.keys.seal()
        self.leases.follow(events)
        return self._commit.add(Entry(events, ended=ended), answer)

    async def compact(self, revision: int, physical: bool = False) -> None:
        """Forget what was overwritten or deleted before `revision`; `physical` waits for the disk to shrink too."""
        self._commit.check_open()
        gone = self.keys.compact(revision)
        self.hub.compact(revision)
        await self._commit.add(Entry(compacted=revision), None)
        forgetting = asyncio.create_task(self._forget(gone), name="store compaction")
        self._tasks.add(forgetting)
        forgetting.add_done_callback(self._tasks.discard)
        if physical:
            await asyncio.shield(forgetting)

    async def _forget(self, gone: list[KeyValue]) -> None:
        """Delete rows in small steps, so that writers get in between. What remains is deleted at the next start."""
        try:
            for start in range(0, len(gone), _FORGET_AT_ONCE):
                await self._commit.between(self._log.forget, gone[start : start + _FORGET_AT_ONCE])
            await self._commit.between(self._log.forget_deletions, self.keys.compacted)
        except StorageUnavailable as error:
            log.warning("store compaction incomplete path=%s error=%s", self.path, error)

    # Leases

    async def grant(self, seconds: int, lease: int = 0) -> tuple[int, int]:
        """The lease, chosen where it is 0, and its seconds, which may be more than asked."""
        self._commit.check_open()
        lease = lease or secrets.randbits(62) | 1
        seconds = self.leases.reserve(lease, seconds)
        return await self._commit.add(Entry(granted=(lease, seconds)), (lease, seconds))

    def keep_alive(self, lease: int) -> int:
        self._commit.check_open()
        return self.leases.keep_alive(lease, self._loop.time())

    async def revoke(self, lease: int) -> None:
        self._commit.check_open()
        await self._end(lease)

    def lease(self, lease: int) -> LeaseState:
        leases = self.leases
        return LeaseState(leases.remaining(lease, self._loop.time()), leases.seconds(lease), leases.keys(lease))

    def _end(self, lease: int) -> "asyncio.Future[None]":
        keys = self.leases.end(lease)

        def delete_all() -> None:
            for key in keys:
                self.keys.delete(key)

        return self._enqueue(delete_all, ended=lease)

    async def _expire_forever(self) -> None:
        while True:
            deadline = self.leases.next_deadline()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._deadline_moved.wait()
            except TimeoutError:
                pass
            self._deadline_moved.clear()
            ends = [self._end(lease) for lease in self.leases.due(self._loop.time())]
            for outcome in await asyncio.gather(*ends, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    log.warning("store lease expiry refused error=%s", outcome)

    # The disk

    def _land(self, entries: Sequence[Entry]) -> None:
        """The disk has these."""
        changes: list[Delivery] = []
        for entry in entries:
            if entry.events:
                changes.append(Delivery(entry.events[0].kv.mod_revision, entry.events))
            if entry.granted:
                self.leases.grant(*entry.granted, now=self._loop.time())
                self._deadline_moved.set()
            if entry.ended is not None:
                self.leases.drop(entry.ended)
        if changes:
            self.keys.durable = changes[-1].revision
            self.hub.publish(changes)

    def _take_back(self, entries: Sequence[Entry]) -> None:
        """The disk refused these, which is everything since `durable`: it has not happened."""
        events = [event for entry in entries for event in entry.events]
        self.keys.rewind(events)
        self.leases.unfollow(reversed(events))
        for entry in entries:
            if entry.granted:
                self.leases.release(entry.granted[0])
            if entry.ended is not None:
                self.leases.revive(entry.ended, self._loop.time() + RETRY_SECONDS)
                self._deadline_moved.set()

    # Upkeep

    async def size(self) -> Size:
        return await self._commit.between(self._log.size)

    async def defragment(self) -> None:
        await self._commit.between(self._log.defragment)

    async def copy_to(self, target: Path) -> None:
        await self._commit.between(self._log.copy_to, target)

    async def close(self) -> None:
        """Finish what is on its way to the disk, refuse the rest. Watchers are not told: close them first."""
        if not await self._commit.close():
            return
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log.info("store closed path=%s revision=%d", self.path, self.revision)


def _read(path: Path, now: float) -> tuple[Log, Keys, Hub, Leases, list[KeyValue]]:
    """Open the database and fill memory from it; also the states that a compaction cut short left behind."""
    disk = Log.open(path)
    for leftover in path.parent.glob(f"{SNAPSHOT}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    keys, hub, leases = Keys(), Hub(), Leases()
    for lease, seconds in disk.leases():
        leases.grant(lease, seconds, now)
    events = list(keys.load(disk.states(), disk.revision(), disk.compacted))
    leases.follow(events)
    oldest = disk.compacted
    hub.load((event for event in events if event.kv.mod_revision >= oldest), keys.revision, max(oldest, 0))
    return disk, keys, hub, leases, keys.prune()
