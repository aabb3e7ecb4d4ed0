"""Group commit: what waits together goes to the disk together, from one thread, in the order in which it came.

    add ─▶ waiting ─▶ in flight ─▶ landed ─▶ answered
              └────────────┴─ refused ─▶ taken back, NoSpace

While one commit is being fsynced the next one gathers, so the busier the store, the more writers share a commit. A
refusal ends everything that has not landed: a later request may have built on an earlier one.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from store.errors import NoSpace, Stopped
from store.log import Entry, Log

log = logging.getLogger(__name__)

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


class GroupCommit:
    """`land` and `take_back` are told of entries in order, before those who wait for them are answered.

    `refusal` is the disk's last word, "" while it writes. `thread` is the only one that may call `disk`.
    """

    def __init__(
        self,
        disk: Log,
        thread: ThreadPoolExecutor,
        land: Callable[[Sequence[Entry]], None],
        take_back: Callable[[Sequence[Entry]], None],
    ) -> None:
        self.refusal = ""
        self.counts = Counts()
        self._disk = disk
        self._thread = thread
        self._land = land
        self._take_back = take_back
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting[Any]] = []
        self._flight: list[_Waiting[Any]] = []
        self._closed = False
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="store commits")
        self._task.add_done_callback(self._stopped)

    def check_open(self) -> None:
        if self._closed:
            raise Stopped()

    def add(self, entry: Entry, answer: T) -> "asyncio.Future[T]":
        """The answer, once the disk has the entry and everything before it; `NoSpace` where it refuses."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Waiting(entry, answer, future))
        self._arrived.set()
        return future

    async def between(self, act: Callable[..., T], *arguments: object) -> T:
        """Something else that the disk is asked, between two commits."""
        self.check_open()
        return await self._loop.run_in_executor(self._thread, act, *arguments)

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                self._flight, self._waiting = self._waiting, []
                began = self._loop.time()
                entries = [each.entry for each in self._flight]
                try:
                    await self._loop.run_in_executor(self._thread, self._disk.commit, entries)
                except NoSpace as error:
                    self._refused(error)
                else:
                    self.counts.commits += 1
                    self.counts.commit_seconds += self._loop.time() - began
                    self._landed(entries)

    def _landed(self, entries: Sequence[Entry]) -> None:
        self.counts.writes += len(entries)
        self._land(entries)
        if self.refusal:
            log.info("store writes again path=%s", self._disk.path)
            self.refusal = ""
        flight, self._flight = self._flight, []
        for each in flight:
            if not each.future.done():
                each.future.set_result(each.answer)

    def _refused(self, error: NoSpace) -> None:
        refused = self._flight + self._waiting
        self._flight, self._waiting = [], []
        self.counts.refusals += len(refused)
        self._take_back([each.entry for each in refused])
        if not self.refusal:
            log.warning("store cannot write path=%s error=%s", self._disk.path, error)
        self.refusal = str(error)
        for each in refused:
            if not each.future.done():
                each.future.set_exception(NoSpace(error.cause))

    def _stopped(self, task: "asyncio.Task[None]") -> None:
        """A task that ends by itself is a defect: better no store than one that never answers."""
        if task.cancelled():
            return
        self._closed = True
        log.critical("store stopped path=%s", self._disk.path, exc_info=task.exception())
        for each in self._flight + self._waiting:
            if not each.future.done():
                each.future.set_exception(Stopped())

    async def close(self) -> bool:
        """Finish what has been added, refuse the rest, close the disk. False where that had been done already."""
        if self._closed:
            return False
        self._closed = True
        while pending := [each.future for each in self._flight + self._waiting if not each.future.done()]:
            await asyncio.wait(pending)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._loop.run_in_executor(self._thread, self._disk.close)
        self._thread.shutdown()
        return True
