"""A request handed on to another HTTP server, and its answer handed back, as they come.

    Upgrade: websocket, SPDY ──▶ the same head on a connection of its own ──▶ bytes both ways

Source: k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from apiserver.aggregation import identity
from apiserver.streams.wire import READ_BYTES, Connection, TakenOver, take_over

HOP_BY_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
))  # fmt: skip

Behind = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def wants_upgrade(http: BaseRequest) -> bool:
    return "upgrade" in http.headers.get("Connection", "").lower()


def headers(http: BaseRequest) -> CIMultiDict[str]:
    """The client's, without what concerns this connection alone and without what tells who the client is."""
    dropped = {name.strip().lower() for name in http.headers.get("Connection", "").split(",")} | HOP_BY_HOP
    found: CIMultiDict[str] = CIMultiDict()
    for name, value in http.headers.items():
        if name.lower() not in dropped and name.lower() != "host" and not identity.is_about_identity(name):
            found.add(name, value)
    if offered := found.pop("Sec-WebSocket-Protocol", ""):
        found["Sec-WebSocket-Protocol"] = identity.protocols(offered)
    before = http.headers.get("X-Forwarded-For")
    found["X-Forwarded-For"] = f"{before}, {http.remote}" if before else http.remote or ""
    found["X-Forwarded-Host"] = http.headers.get("Host", "")
    found["X-Forwarded-Uri"] = http.raw_path.partition("?")[0]
    found["X-Forwarded-Proto"] = "https"
    return found


async def body(http: BaseRequest) -> aiohttp.StreamReader | None:
    """What the client sends, once it knows that it may; None where it sends nothing."""
    if not http.can_read_body:
        return None
    if http.headers.get("Expect", "").lower() == "100-continue":
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return http.content


async def answer(http: BaseRequest, found: aiohttp.ClientResponse) -> web.StreamResponse:
    """One that breaks off behind breaks off here, too: ConnectionError."""
    made = web.StreamResponse(status=found.status, reason=found.reason)
    for name, value in found.headers.items():
        if name.lower() not in HOP_BY_HOP:
            made.headers.add(name, value)
    await made.prepare(http)
    try:
        async for piece in found.content.iter_any():
            await made.write(piece)
    except aiohttp.ClientPayloadError as error:
        raise ConnectionResetError(str(error)) from None
    await made.write_eof()
    return made


async def dial(host: str, port: int, trusted: ssl.SSLContext | None, server_name: str | None = None) -> Behind:
    """Raises OSError."""
    return await asyncio.open_connection(host, port, ssl=trusted, server_hostname=server_name, limit=READ_BYTES)


async def connect(
    http: BaseRequest, behind: Behind, path: str, told: CIMultiDict[str], host: str
) -> web.StreamResponse:
    """`told` are the headers to send. Until either side ends, or what refuses the upgrade; raises OSError and what a
    stream's reader raises."""
    reader, writer = behind
    connection = Connection(reader, writer)
    try:
        told.update({"Host": host, "Connection": "Upgrade", "Upgrade": http.headers.get("Upgrade", "")})
        lines = [f"{http.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        await connection.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        code = int(first.split(" ")[1])
        found = CIMultiDict((name, value.strip()) for name, _, value in (line.partition(":") for line in rest))
        if code != 101:
            return await _refused(reader, code, found)
        await _both_ways(take_over(http, dict(found)), connection)
        return TakenOver(status=101)
    finally:
        await connection.close()


async def _refused(reader: asyncio.StreamReader, code: int, told: Mapping[str, Any]) -> web.Response:
    size = int(told.get("Content-Length", 0))
    body = await reader.readexactly(min(size, READ_BYTES)) if size else b""
    kept = {name: value for name, value in told.items() if name.lower() not in (*HOP_BY_HOP, "content-length")}
    return web.Response(status=code, body=body, headers=kept)


async def _both_ways(client: Connection, behind: Connection) -> None:
    """Until either side ends."""
    ways = [asyncio.create_task(_copy(client, behind)), asyncio.create_task(_copy(behind, client))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await client.close()  # neither waits: a second cancellation finds nothing left to do
        await behind.close()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(source: Connection, sink: Connection) -> None:
    try:
        while data := await source.read():
            await sink.write(data)
    except (ConnectionError, OSError):
        return
