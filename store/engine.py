"""The engine: one event loop's worth of state over one disk.

A request is carried out at once in memory, at the head. What it changed waits for the writer thread, which takes all
that wait together into one commit; only then are they answered and the watchers told. Readers see up to `durable`,
so nobody ever acts on what the disk may still refuse. If it refuses, everything since `durable` is taken back and
each of those requests gets `NoSpace`: a later one may have built on an earlier.

    request ─▶ head ─▶ waiting ─▶ in flight ─▶ durable ─▶ answer, watchers
                          └────────────┴─ refused ─▶ taken back, NoSpace
"""

import asyncio
import logging
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from podling.storage import Event, KeyValue, StorageUnavailable
from store import txn
from store.check import check_delete, check_put, check_range, check_txn
from store.errors import NoSpace, Stopped
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


class _Waiting(NamedTuple, Generic[T]):
    entry: Entry
    answer: T
    future: "asyncio.Future[T]"


@dataclass
class Counts:
    """Since the engine was opened: requests that wrote, the commits that they shared, and the disk's refusals."""

    writes: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    refusals: int = 0


class LeaseState(NamedTuple):
    """Seconds left and granted, and the keys in order."""

    remaining: int
    granted: int
    keys: list[bytes]


class Engine:
    """Everything but `open` belongs to the event loop that opened it. `refusal` is the disk's last word, "" if fine."""

    def __init__(self, disk: Log, thread: ThreadPoolExecutor, keys: Keys, hub: Hub, leases: Leases) -> None:
        self.keys = keys
        self.leases = leases
        self.hub = hub
        self.refusal = ""
        self.counts = Counts()
        self._log = disk
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting[Any]] = []
        self._flight: list[_Waiting[Any]] = []
        self._closed = False
        self._arrived = asyncio.Event()
        self._granted = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._write_forever(), name="store writer"),
            asyncio.create_task(self._expire_forever(), name="store leases"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)

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

    # Reading

    def read(self, op: RangeOp) -> RangeAnswer:
        self._check_open()
        check_range(op)
        return txn.read(self.keys, op, self.keys.durable)

    def get(self, key: bytes) -> KeyValue | None:
        self._check_open()
        return self.keys.at(key, self.keys.durable)

    def watch(self, span: Span, from_revision: int, wake: Callable[[], None]) -> Watcher:
        self._check_open()
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
            self._check_open()
            return txn.read_txn(self.keys, op, self.keys.durable)
        return await self.change(lambda: txn.run(self.keys, op, self.leases))

    async def change(self, act: Callable[[], T]) -> T:
        """Run `act` as one transaction over `keys`; its answer, once the disk has what it wrote and read."""
        self._check_open()
        return await self._enqueue(act)

    def _enqueue(self, act: Callable[[], T], ended: int | None = None) -> "asyncio.Future[T]":
        try:
            answer = act()
        except BaseException:
            self.keys.abandon()
            raise
        events = self.keys.seal()
        self.leases.follow(events)
        return self._wait_for(Entry(events, ended=ended), answer)

    def _wait_for(self, entry: Entry, answer: T) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Waiting(entry, answer, future))
        self._arrived.set()
        return future

    async def compact(self, revision: int, physical: bool = False) -> None:
        """Forget what was overwritten or deleted before `revision`; `physical` waits for the disk to shrink too."""
        self._check_open()
        gone = self.keys.compact(revision)
        self.hub.compact(revision)
        await self._wait_for(Entry(compacted=revision), None)
        forgetting = asyncio.create_task(self._forget(gone), name="store compaction")
        self._tasks.append(forgetting)
        forgetting.add_done_callback(self._tasks.remove)
        if physical:
            await asyncio.shield(forgetting)

    async def _forget(self, gone: list[KeyValue]) -> None:
        """Delete rows in small steps, so that writers get in between. What remains is deleted at the next start."""
        try:
            for start in range(0, len(gone), _FORGET_AT_ONCE):
                await self._on_disk(self._log.forget, gone[start : start + _FORGET_AT_ONCE])
            await self._on_disk(self._log.forget_deletions, self.keys.compacted)
        except NoSpace as error:
            log.warning("store compaction incomplete path=%s error=%s", self.path, error)

    async def _on_disk(self, act: Callable[..., T], *arguments: object) -> T:
        self._check_open()
        return await self._loop.run_in_executor(self._thread, act, *arguments)

    # Leases

    async def grant(self, seconds: int, lease: int = 0) -> tuple[int, int]:
        """The lease, chosen where it is 0, and its seconds, which may be more than asked."""
        self._check_open()
        lease = lease or secrets.randbits(62) | 1
        seconds = self.leases.reserve(lease, seconds)
        return await self._wait_for(Entry(granted=(lease, seconds)), (lease, seconds))

    def keep_alive(self, lease: int) -> int:
        self._check_open()
        return self.leases.keep_alive(lease, self._loop.time())

    async def revoke(self, lease: int) -> None:
        self._check_open()
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
                    await self._granted.wait()
            except TimeoutError:
                pass
            self._granted.clear()
            ends = [self._end(lease) for lease in self.leases.due(self._loop.time())]
            for outcome in await asyncio.gather(*ends, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    log.warning("store lease expiry refused error=%s", outcome)

    # The disk

    async def _write_forever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                self._flight, self._waiting = self._waiting, []
                began = self._loop.time()
                try:
                    await self._loop.run_in_executor(
                        self._thread, self._log.commit, [each.entry for each in self._flight]
                    )
                except NoSpace as error:
                    self._take_back(error)
                else:
                    self.counts.commits += 1
                    self.counts.commit_seconds += self._loop.time() - began
                    self._land()

    def _land(self) -> None:
        """The disk has the flight."""
        flight, self._flight = self._flight, []
        self.counts.writes += len(flight)
        changes: list[Delivery] = []
        for each in flight:
            entry = each.entry
            if entry.events:
                changes.append(Delivery(entry.events[0].kv.mod_revision, entry.events))
            if entry.granted:
                self.leases.grant(*entry.granted, now=self._loop.time())
                self._granted.set()
            if entry.ended is not None:
                self.leases.drop(entry.ended)
        if changes:
            self.keys.durable = changes[-1].revision
            self.hub.publish(changes)
        if self.refusal:
            log.info("store writes again path=%s", self.path)
            self.refusal = ""
        for each in flight:
            if not each.future.done():
                each.future.set_result(each.answer)

    def _take_back(self, error: StorageUnavailable) -> None:
        """The disk refused the flight: nothing since `durable` has happened."""
        refused = self._flight + self._waiting
        self.counts.refusals += len(refused)
        self._flight, self._waiting = [], []
        events: list[Event] = [event for each in refused for event in each.entry.events]
        self.keys.rewind(events)
        self.leases.unfollow(reversed(events))
        for each in refused:
            if each.entry.granted:
                self.leases.release(each.entry.granted[0])
            if each.entry.ended is not None:
                self.leases.revive(each.entry.ended, self._loop.time() + RETRY_SECONDS)
                self._granted.set()
            if not each.future.done():
                each.future.set_exception(type(error)(*error.args))
        if not self.refusal:
            log.warning("store cannot write path=%s error=%s", self.path, error)
        self.refusal = str(error)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A loop that ends by itself is a defect: better no store than one that never answers."""
        if not task.cancelled():
            self._closed = True
            log.critical("store stopped path=%s task=%s", self.path, task.get_name(), exc_info=task.exception())
            for each in self._flight + self._waiting:
                if not each.future.done():
                    each.future.set_exception(Stopped())

    # Upkeep

    async def size(self) -> Size:
        return await self._on_disk(self._log.size)

    async def defragment(self) -> None:
        await self._on_disk(self._log.defragment)

    async def copy_to(self, target: Path) -> None:
        await self._on_disk(self._log.copy_to, target)

    def _check_open(self) -> None:
        if self._closed:
            raise Stopped()

    async def close(self) -> None:
        """Finish what is on its way to the disk, refuse the rest. Watchers are not told: close them first."""
        if self._closed:
            return
        self._closed = True
        while pending := [each.future for each in self._flight + self._waiting if not each.future.done()]:
            await asyncio.wait(pending)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._loop.run_in_executor(self._thread, self._log.close)
        self._thread.shutdown()
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
