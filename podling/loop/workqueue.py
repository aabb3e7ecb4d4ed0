"""A queue of keys, each of which may be wrong. Source of the idea: client-go's workqueue.

Invariants: a key waits at most once, however often it is added; a key that is being worked on is never handed out
again until `done`, and is then handed out once more if it was added meanwhile. So one object is sequential, others run
in parallel, and no change is lost.
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from podling.loop.backoff import Backoff
from podling.loop.clock import Clock, RealClock

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    def __init__(self, clock: Clock | None = None, backoff: Backoff[K] | None = None) -> None:
        self._clock = clock or RealClock()
        self._backoff = backoff or Backoff(first=0.05, most=60.0)
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._working: set[K] = set()
        self._arrived = asyncio.Event()
        self._timers: dict[K, tuple[float, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, key: K) -> None:
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._ready.append(key)
            self._arrived.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Add later; of several waits for one key the earliest counts."""
        due = self._clock.monotonic() + seconds
        waiting = self._timers.get(key)
        if waiting and waiting[0] <= due:
            return
        if waiting:
            waiting[1].cancel()
        self._timers[key] = (due, asyncio.ensure_future(self._later(key, seconds)))

    async def _later(self, key: K, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timers.pop(key, None)
        self.add(key)

    def retry(self, key: K) -> float:
        """Add after the key's backoff, which grows until `forget`; the seconds."""
        seconds = self._backoff.next(key)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        self._backoff.forget(key)

    async def get(self) -> K:
        """The next key; the caller owes a `done`."""
        while not self._ready:
            self._arrived.clear()
            await self._arrived.wait()
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        self._working.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._arrived.set()

    def close(self) -> None:
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
