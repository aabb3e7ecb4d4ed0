"""A SPDY connection on a wire: one task reads, streams are objects with `chunks` and `write`.

A stream that nobody reads fills its pipe; then the whole connection waits, as it would with kubectl's own library on
the other side.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from apiserver.streams import spdy
from apiserver.streams.pipe import Pipe
from apiserver.streams.spdy import SpdyConnection, SpdyError
from apiserver.streams.wire import Wire

log = logging.getLogger(__name__)

LINGER_SECONDS = 5.0


class SpdyStream:
    def __init__(self, session: "SpdySession", number: int, headers: dict[str, str]) -> None:
        self.session, self.number, self.headers = session, number, headers
        self.incoming = Pipe()
        self.when_reset: Callable[[], object] = lambda: None

    async def chunks(self) -> AsyncIterator[bytes]:
        """What the peer sends, until it ends its side, resets the stream or is gone."""
        async for chunk in self.incoming.chunks():
            self.session.connection.took(self.number, len(chunk))
            yield chunk

    async def write(self, data: bytes) -> None:
        self.session.connection.send(self.number, data)
        await self.session.flush()

    async def end(self, data: bytes = b"") -> None:
        """No more from us; the peer may go on."""
        self.session.connection.send(self.number, data, end=True)
        await self.session.flush()

    async def reset(self) -> None:
        """Neither side says more."""
        self.session.connection.reset(self.number)
        self.forget()
        await self.session.flush()

    def forget(self) -> None:
        """What the peer still sends is dropped."""
        self.incoming.close()
        self.session.streams.pop(self.number, None)


class SpdySession:
    """Use as a context: entering starts the reading, leaving says farewell and closes the wire."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.connection = SpdyConnection()
        self.streams: dict[int, SpdyStream] = {}
        self._opened: asyncio.Queue[SpdyStream | None] = asyncio.Queue()
        self._writing = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "SpdySession":
        self._reader = asyncio.create_task(self._read(), name="spdy")
        return self

    async def __aexit__(self, *_: object) -> None:
        for stream in list(self.streams.values()):
            stream.incoming.close()
        try:
            with suppress(ConnectionError):
                self.connection.go_away()
                await self.flush()
                if self._reader is not None:  # the peer reads our last words, then closes
                    await asyncio.wait((self._reader,), timeout=LINGER_SECONDS)
        finally:
            tasks = [task for task in (self._reader, self._flusher) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.wire.close()

    async def accept(self) -> SpdyStream | None:
        """The next stream that the peer opens, already replied to; None when there will be no more."""
        return await self._opened.get()

    async def ended(self) -> None:
        """Until the connection is over."""
        if self._reader is not None:
            await asyncio.wait((self._reader,))

    async def flush(self) -> None:
        async with self._writing:
            while data := self.connection.take():
                await self.wire.write(data)

    def _flush_soon(self) -> None:
        """Reading never waits for writing: a peer that does not read, for it has lost interest in a stream, says so in
        what it sends."""
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush(), name="spdy flush")

    async def _flush(self) -> None:
        with suppress(ConnectionError):  # the reader hears of it
            await self.flush()

    async def _read(self) -> None:
        try:
            while data := await self.wire.read():
                for event in self.connection.receive(data):
                    await self._happened(event)
                self._flush_soon()
        except SpdyError as wrong:
            log.warning("spdy connection refused error=%s", wrong)
        except ConnectionError as gone:
            log.debug("spdy connection lost error=%s", gone)
        finally:
            for stream in self.streams.values():
                stream.incoming.end()
            self._opened.put_nowait(None)

    async def _happened(self, event: spdy.Event) -> None:
        match event:
            case spdy.Opened(number, headers, ended):
                stream = self.streams[number] = SpdyStream(self, number, headers)
                self.connection.reply(number)
                if ended:
                    stream.incoming.end()
                self._opened.put_nowait(stream)
            case spdy.Data(number, data, ended) if number in self.streams:
                if data:
                    await self.streams[number].incoming.put(data)
                if ended:
                    self.streams[number].incoming.end()
            case spdy.WasReset(number, _) if number in self.streams:
                stream = self.streams.pop(number)
                stream.incoming.end()
                stream.when_reset()
            case spdy.GoneAway():
                self._opened.put_nowait(None)
