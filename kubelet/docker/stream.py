"""The engine's streams on asyncio: output, events, and the two-way connections of exec and attach.

The Docker SDK reads streams by blocking a thread each and keeps what it read ahead to itself. A stream needs little
HTTP: asked in HTTP/1.0 the engine sends the body as it is until the end of the connection, and an upgraded connection
is a plain two-way socket with half-close. Reading slower than the engine writes holds the engine back; closing tells it
to stop.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from kubelet.docker.frames import STDERR, STDOUT, Demultiplexer, Frame
from kubelet.docker.seen import decoded_error
from kubelet.runtime import RuntimeUnavailable

HEAD_LIMIT_BYTES = 1 << 16
ANSWER_SECONDS = 60.0
MOST_ERROR_BYTES = 1 << 16
PIECE_BYTES = 1 << 18


class EngineRefused(Exception):
    """An answer of 400 and more."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class EngineAddress:
    """Where the engine listens: a socket's path, or host and port with TLS or without. `version` is its API's."""

    version: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            if self.path:
                return await asyncio.open_unix_connection(self.path, limit=PIECE_BYTES)
            return await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=PIECE_BYTES)
        except OSError as error:
            raise RuntimeUnavailable(f"the Docker engine does not answer: {error}") from error


class EngineStream:
    """One open answer. `async with` it, or close it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framed: bool) -> None:
        self.reader, self.writer, self.framed = reader, writer, framed

    async def __aenter__(self) -> "EngineStream":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.writer.close()

    async def frames(self) -> AsyncIterator[Frame]:
        """Output in pieces of at most 64 KiB. Of a terminal all is standard output; otherwise each piece carries an
        8-byte head: stream, three zero bytes, length big-endian."""
        try:
            while True:
                if not self.framed:
                    data = await self.reader.read(HEAD_LIMIT_BYTES)
                    if not data:
                        return
                    yield Frame(STDOUT, data)
                    continue
                head = await self.reader.readexactly(8)
                left = int.from_bytes(head[4:], "big")
                while left:
                    data = await self.reader.read(min(left, HEAD_LIMIT_BYTES))
                    if not data:
                        return
                    left -= len(data)
                    yield Frame(STDERR if head[0] == STDERR else STDOUT, data)
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def output(self) -> AsyncIterator[Frame]:
        """What has come, in pieces of at most 256 KiB that keep nothing of the engine's framing."""
        demultiplexer = Demultiplexer()
        try:
            while data := await self.reader.read(PIECE_BYTES):
                for frame in demultiplexer.feed(data) if self.framed else (Frame(STDOUT, data),):
                    yield frame
        except ConnectionError:
            return

    async def objects(self) -> AsyncIterator[dict[str, Any]]:
        """Objects of JSON, one a line, however long."""
        pending = b""
        while True:
            data = await self.reader.read(HEAD_LIMIT_BYTES)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                if line.strip():
                    yield json.loads(line)

    async def body(self) -> bytes:
        """All until the end; what a broken connection cuts off is missing."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        """Returns when the engine keeps up."""
        self.writer.write(data)
        await self.writer.drain()

    def close_input(self) -> None:
        """Half-close: the command's standard input ends, its output goes on."""
        if self.writer.can_write_eof():
            self.writer.write_eof()


async def open_stream(
    engine: EngineAddress,
    method: str,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    upgrade: bool = False,
    framed: bool = False,
    answer_seconds: float = ANSWER_SECONDS,
) -> EngineStream:
    """The answer to a request, once its head has come. Errors: EngineRefused, RuntimeUnavailable."""
    reader, writer = await engine.connect()
    try:
        target = f"/v{engine.version}{path}" + (f"?{urlencode(query)}" if query else "")
        host = engine.host or "docker"
        writer.write(_request(f"{method} {target}", body, {"Host": host, **(headers or {})}, upgrade))
        await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), answer_seconds)
        status = int(head.split(b" ", 2)[1])
        if status >= HTTPStatus.BAD_REQUEST:
            message = await asyncio.wait_for(reader.read(MOST_ERROR_BYTES), answer_seconds)
            raise EngineRefused(status, decoded_error(message.decode(errors="replace")))
    except TimeoutError as error:
        writer.close()
        raise RuntimeUnavailable(
            f"the Docker engine gave no answer to {method} {path} in {answer_seconds} s"
        ) from error
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        writer.close()
        raise RuntimeUnavailable(f"the Docker engine ended the connection: {error}") from error
    except BaseException:
        writer.close()
        raise
    return EngineStream(reader, writer, framed)


def _request(line: str, body: Mapping[str, Any] | None, headers: Mapping[str, str], upgrade: bool) -> bytes:
    """HTTP/1.0, so that the answer is not cut into chunks; an upgrade exists from 1.1 on."""
    payload = json.dumps(body).encode() if body is not None else b""
    lines = [f"{line} HTTP/{'1.1' if upgrade else '1.0'}", *(f"{key}: {value}" for key, value in headers.items())]
    if upgrade:
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    if payload or line.startswith("POST"):
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join([*lines, "", ""]).encode() + payload
