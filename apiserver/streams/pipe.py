"""Bytes on their way from a connection's one reader to whoever wants them, a bounded number at a time."""

import asyncio
from collections.abc import AsyncIterator

MOST_BYTES = 1 << 19


class Pipe:
    """One writer, one reader. `end` is the writer's last word; `close` the reader's: what comes then is dropped."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._ended = self._closed = False
        self._changed = asyncio.Event()

    async def put(self, piece: bytes) -> None:
        """Waits while the pipe is full."""
        while self._bytes >= MOST_BYTES and not self._ended:
            await self._change()
        if not self._closed:
            self._pieces.append(piece)
            self._bytes += len(piece)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        self._closed = self._ended = True
        self._take()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Each is all that has come since the last."""
        while True:
            if self._pieces:
                yield self._take()
            elif self._ended:
                return
            else:
                await self._change()

    def _take(self) -> bytes:
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        self._changed.set()
        return b"".join(pieces)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
