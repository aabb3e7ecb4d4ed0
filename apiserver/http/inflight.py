"""How a server stops: it says so, its watches end, what it has begun is answered, and then it is gone.

    readyz fails ─ delay ─▶ watches end, connections close after each answer ─▶ nobody under way ─▶ ports close

Source: k8s.io/apiserver/pkg/server/genericapiserver.go (its lifecycle signals).
"""

import asyncio
from types import TracebackType


class InFlight:
    """Counts requests under way; as a context, each is one. What lasts as long as its client likes is not counted."""

    def __init__(self) -> None:
        self.count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> None:
        self.count += 1
        self._idle.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count -= 1
        if self.count == 0:
            self._idle.set()

    async def idle(self, seconds: float) -> bool:
        """Wait until nothing is under way; False when that took too long."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
