"""Bytes on their way from a connection's one reader to whoever wants them, a bounded number of chunks at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

CHUNKS = 64


class Pipe:
    """One writer, one reader. `end` is the writer's last word; `close` the reader's: what comes then is dropped."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._ended = self._closed = False
        self._changed = asyncio.Event()

    async def put(self, chunk: bytes) -> None:
        """Waits while the pipe is full."""
        while len(self._chunks) >= CHUNKS and not self._closed and not self._ended:
            await self._change()
        if not self._closed:
            self._chunks.append(chunk)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        self._closed = self._ended = True
        self._chunks.clear()
        self._changed.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._changed.set()
                yield chunk
            if self._ended:
                return
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
