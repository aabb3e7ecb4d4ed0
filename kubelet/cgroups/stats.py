"""What the node and its containers use, for who asks; nothing is measured while nobody does.

    asked ─▶ look now ─▶ a look from 1-60 s ago is there?  ─ yes ─▶ the rate between the two
                                                           ─ no ──▶ look again in a second

`rates` is pure. A container that started after the first look is measured from its start.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from kubelet.cgroups.usage import Usage
from kubelet.docker.usage import Reading
from kubelet.runtime import PodRef
from podling.loop.clock import Clock

LEAST_SECONDS, MOST_SECONDS = 1.0, 60.0  # between two looks that make a rate
FRESH_SECONDS = 1.0  # who asks again so soon gets the same answer
KEPT = 8


class Look(NamedTuple):
    """At everything at one moment; `readings` by container id."""

    at: datetime
    node: Usage
    readings: Mapping[str, Reading]


class Rate(NamedTuple):
    """The window ends at `at`."""

    at: datetime
    window_seconds: float
    cpu_nanocores: int
    memory_bytes: int


class ContainerRate(NamedTuple):
    ref: PodRef
    name: str
    rate: Rate


class Rates(NamedTuple):
    node: Rate
    containers: Sequence[ContainerRate]


def rates(before: Look, after: Look) -> Rates:
    containers = []
    for id, reading in after.readings.items():
        earlier = before.readings.get(id)
        if earlier:
            rate = _rate(before.at, earlier.usage, after.at, reading.usage)
        elif reading.started_at and reading.started_at < after.at:
            rate = _rate(reading.started_at, Usage(), after.at, reading.usage)
        else:
            continue
        containers.append(ContainerRate(reading.ref, reading.name, rate))
    return Rates(_rate(before.at, before.node, after.at, after.node), containers)


def _rate(since: datetime, before: Usage, at: datetime, after: Usage) -> Rate:
    seconds = (at - since).total_seconds()
    spent = max(0, after.cpu_nanoseconds - before.cpu_nanoseconds)
    return Rate(at, seconds, int(spent / seconds) if seconds > 0 else 0, after.working_set_bytes)


class Stats:
    """`look` reads everything; raises RuntimeUnavailable where the engine is away."""

    def __init__(self, look: Callable[[], Awaitable[tuple[Usage, Mapping[str, Reading]]]], clock: Clock) -> None:
        self._look, self._clock = look, clock
        self._looks: deque[Look] = deque(maxlen=KEPT)
        self._last: Rates | None = None
        self._asking = asyncio.Lock()

    async def rates(self) -> Rates:
        async with self._asking:
            now = self._clock.now()
            if self._last and 0 <= (now - self._last.node.at).total_seconds() < FRESH_SECONDS:
                return self._last
            after = await self._take()
            if (before := self._before(after)) is None:
                await self._clock.sleep(LEAST_SECONDS)
                before, after = after, await self._take()
            self._last = rates(before, after)
            return self._last

    async def _take(self) -> Look:
        node, readings = await self._look()
        taken = Look(self._clock.now(), node, readings)
        self._looks.append(taken)
        return taken

    def _before(self, after: Look) -> Look | None:
        """The oldest that is not too old."""
        ages = ((after.at - look.at).total_seconds() for look in self._looks)
        fit = [look for look, age in zip(self._looks, ages, strict=True) if LEAST_SECONDS <= age <= MOST_SECONDS]
        return fit[0] if fit else None
