import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from controllers.controller import Context
from podling.client.fake import FakeClient
from podling.client.informers import Informers
from podling.loop.clock import FakeClock


class Bench:
    """A cluster in memory, time that stands still, and controllers to start on them."""

    def __init__(self) -> None:
        self.client, self.clock = FakeClient(), FakeClock()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, control: Callable[[Context], Awaitable[None]]) -> None:
        async def run() -> None:
            async with Informers(self.client, self.clock) as informers:
                await control(Context(self.client, informers, self.clock, "CA"))

        self._tasks.append(asyncio.create_task(run()))
        await self.clock.advance(0)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            done, _ = await asyncio.wait(self._tasks)
            for task in done:
                if not task.cancelled() and (error := task.exception()):
                    raise error

    async def wait(self, seconds: float = 0.1) -> None:
        await self.clock.advance(seconds)

    def names(self, plural: str) -> list[str]:
        return sorted(name for kind, _, name in self.client.objects if kind == plural)


@pytest.fixture
async def bench() -> AsyncIterator[Any]:
    found = Bench()
    yield found
    await found.stop()
