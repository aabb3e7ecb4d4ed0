"""A terminal's channels, whichever protocol carries them to the client."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stdin:
    """`data` b"" is the end of standard input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    width: int
    height: int


Input = Stdin | Resize


class Gone(Exception):
    """The client is gone: nobody reads what the command writes."""


class Channels(Protocol):
    def inputs(self) -> AsyncIterator[Input]:
        """What the client sends, until it sends no more; raises Gone when the connection is lost."""

    async def stdout(self, data: bytes) -> None: ...

    async def stderr(self, data: bytes) -> None: ...

    async def finish(self, status: dict[str, object]) -> None:
        """The last word: how the command ended."""
