"""A request handed on to the API server that serves it, and its answer handed back, as they come.

    client ──HTTPS──▶ who, may they ──▶ X-Remote-*, front proxy's certificate ──HTTPS──▶ the service's pod
    Upgrade: websocket, SPDY ──▶ the same head on a connection of its own ──▶ bytes both ways

Source: k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go, k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go.
"""

import asyncio
import logging

import aiohttp
from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from apiserver.aggregation import identity
from apiserver.aggregation.backend import Backend
from apiserver.aggregation.remote import Remote
from apiserver.request import Attributes, User
from apiserver.streams.wire import READ_BYTES, Connection, TakenOver, take_over
from apiserver.webhook import neterrors
from apiserver.webhook.serviceresolver import Address
from podling.api.errors import ApiError

log = logging.getLogger(__name__)

HOP_BY_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
))  # fmt: skip
LASTING = ("attach", "exec", "log", "portforward", "proxy")  # subresources, of whatever group


def lasts(http: BaseRequest, asked: Attributes) -> bool:
    """As long as its client likes."""
    return asked.subresource in LASTING or _wants_upgrade(http)


def _wants_upgrade(http: BaseRequest) -> bool:
    return "upgrade" in http.headers.get("Connection", "").lower()


async def forward(backend: Backend, http: BaseRequest, remote: Remote, user: User) -> web.StreamResponse:
    if not remote.available:
        return refusal("service unavailable")
    try:
        address = backend.addresses(remote)[0]
    except ApiError as error:
        log.warning("service of an API not resolved apiservice=%s error=%s", remote.name, error)
        return refusal("service unavailable")
    try:
        if _wants_upgrade(http):
            return await _upgrade(backend, http, remote, address, user)
        return await _hand_on(backend, http, remote, address, user)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return refusal(f"error trying to reach service: {neterrors.words(error, remote.server_name)}")


def refusal(words: str, code: int = 503) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=code, text=words + "\n", headers=headers)


def _headers(http: BaseRequest, user: User) -> CIMultiDict[str]:
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
    for name, value in identity.headers(user):
        found.add(name, value)
    return found


async def _hand_on(
    backend: Backend, http: BaseRequest, remote: Remote, address: Address, user: User
) -> web.StreamResponse:
    body = http.content if http.can_read_body else None
    if body is not None and http.headers.get("Expect", "").lower() == "100-continue":
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    found = await backend.request(remote, address, http.method, http.raw_path, _headers(http, user), body)
    async with found:
        answer = web.StreamResponse(status=found.status, reason=found.reason)
        for name, value in found.headers.items():
            if name.lower() not in HOP_BY_HOP:
                answer.headers.add(name, value)
        await answer.prepare(http)
        if http.method != "HEAD":
            async for piece in found.content.iter_any():
                await answer.write(piece)
        await answer.write_eof()
        return answer


async def _upgrade(
    backend: Backend, http: BaseRequest, remote: Remote, address: Address, user: User
) -> web.StreamResponse:
    trusted = await backend.trusted(remote)
    try:
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=trusted, server_hostname=remote.server_name, limit=READ_BYTES
        )
    except OSError as error:
        return refusal(f"error dialing backend: {error}")
    behind = Connection(reader, writer)
    try:
        return await _connected(http, address, user, reader, behind)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
        return refusal(f"error reading the answer of the service: {error}")
    finally:
        await behind.close()


async def _connected(
    http: BaseRequest, address: Address, user: User, reader: asyncio.StreamReader, behind: Connection
) -> web.StreamResponse:
    headers = _headers(http, user)
    headers.update({"Host": str(address), "Connection": "Upgrade", "Upgrade": http.headers.get("Upgrade", "")})
    lines = [f"{http.method} {http.raw_path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    await behind.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    code = int(first.split(" ")[1])
    told = CIMultiDict((name, value.strip()) for name, _, value in (line.partition(":") for line in rest))
    if code != 101:
        return await _refused(reader, code, told)
    client = take_over(http, dict(told))
    await _both_ways(client, behind)
    return TakenOver(status=101)


async def _refused(reader: asyncio.StreamReader, code: int, told: CIMultiDict[str]) -> web.Response:
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
