"""What a client sends to a command, on its way to the kubelet: a bounded number of bytes at a time.

A message costs a call to the kubelet much the same whatever its size, so pieces of standard input that wait together
are joined: the faster the client, the larger they are.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

MOST_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Stdin:
    """`data` b"" is the end of standard input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    width: int
    height: int


Input = Stdin | Resize


class Inbox:
    """Any number of writers, one reader. Order is kept."""

    def __init__(self) -> None:
        self._items: list[Input] = []
        self._bytes = 0
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()

    async def put(self, item: Input) -> None:
        """Waits while it is full."""
        while self._bytes >= MOST_BYTES:
            self._taken.clear()
            await self._taken.wait()
        self._items.append(item)
        self._bytes += len(item.data) if isinstance(item, Stdin) else 0
        self._arrived.set()

    async def take(self) -> list[Input]:
        """All that is there, as soon as there is anything."""
        await self._arrived.wait()
        items, self._items, self._bytes = self._items, [], 0
        self._arrived.clear()
        self._taken.set()
        return list(_joined(items))


def _joined(items: list[Input]) -> Iterator[Input]:
    pieces: list[bytes] = []
    for item in items:
        if isinstance(item, Stdin) and item.data:
            pieces.append(item.data)
            continue
        if pieces:
            yield Stdin(b"".join(pieces))
            pieces = []
        yield item
    if pieces:
        yield Stdin(b"".join(pieces))
