"""What a byte stream to a client runs on: a connection taken over from HTTP, or a WebSocket's binary messages."""

import asyncio
from typing import Protocol

from aiohttp import WSMsgType, web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

READ_BYTES = 256 * 1024


class Wire(Protocol):
    async def read(self) -> bytes:
        """The next bytes; b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Returns when the peer has room for more; raises ConnectionError."""

    async def close(self) -> None: ...


class TakenOver(web.StreamResponse):
    """What a handler answers after it took the connection: HTTP has nothing more to say on it."""

    async def prepare(self, request: BaseRequest) -> None:
        raise ConnectionResetError("the connection was taken over")


class _Protocol(asyncio.StreamReaderProtocol):
    """Reads for us, and tells aiohttp's own protocol when the connection ends, so that it is forgotten there."""

    def __init__(self, reader: asyncio.StreamReader, before: RequestHandler) -> None:
        super().__init__(reader)
        self._before = before

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._before.connection_lost(exc)


class Connection:
    """The bare connection of an HTTP request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        return await self._reader.read(READ_BYTES)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        if not self._writer.is_closing() and self._writer.can_write_eof():
            self._writer.write_eof()
        self._writer.close()


def take_over(http: BaseRequest, headers: dict[str, str]) -> Connection:
    """Answer 101 and have the connection to ourselves. The handler must answer `TakenOver` in the end."""
    before, transport = http.protocol, http.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_BYTES, loop=loop)
    protocol = _Protocol(reader, before)
    before.keep_alive(False)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    transport.write(f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n".encode())
    return Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


class Tunnel:
    """A byte stream inside the binary messages of a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                if message.data:
                    return bytes(message.data)
            elif message.type is not WSMsgType.TEXT:
                return b""

    async def write(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        await self._socket.close()
