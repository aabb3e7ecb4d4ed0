"""A terminal's channels, whichever protocol carries them to the client."""

from typing import Protocol

from apiserver.streams.inbox import Inbox


class Gone(Exception):
    """The client is gone: nobody reads what the command writes."""


class Channels(Protocol):
    async def receive(self, inbox: Inbox) -> None:
        """Put into the inbox what the client sends, until it is gone."""

    async def stdout(self, data: bytes) -> None: ...

    async def stderr(self, data: bytes) -> None: ...

    async def finish(self, status: dict[str, object]) -> None:
        """The last word: how the command ended."""
