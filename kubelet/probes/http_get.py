"""One HTTP GET on a connection of its own, as probes and hooks send it: nothing is kept alive, nothing verified.

A client of our own since the kubelet sends hundreds a second: it costs a third of aiohttp's (`bench/probes.py`).
Errors are worded as Go's `net/http` words them. Source: k8s.io/kubernetes/pkg/probe/http.
"""

import asyncio
import os
import ssl
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, cast
from urllib.parse import SplitResult, urljoin, urlsplit

MOST_BODY_BYTES = 10 << 10
MOST_HEAD_BYTES = 64 << 10
MOST_REDIRECTS = 10
Headers = Sequence[tuple[str, str]]


class HttpError(Exception):
    """No answer came; the message says why."""


class Response(NamedTuple):
    status: int
    body: str
    location: str = ""


async def get(url: str, headers: Headers) -> Response:
    """Follows redirects on the same host name; one to another host is the answer. Raises `HttpError`."""
    first = urlsplit(url)
    for _ in range(MOST_REDIRECTS):
        try:
            answer = await _exchange(urlsplit(url), headers)
        except HttpError as error:
            raise HttpError(f'Get "{url}": {error}') from error
        if answer.status not in (301, 302, 303, 307, 308) or not answer.location:
            return answer
        url = urljoin(url, answer.location)
        if urlsplit(url).hostname != first.hostname:
            return answer
    raise HttpError(f'Get "{url}": stopped after {MOST_REDIRECTS} redirects')


async def _exchange(url: SplitResult, headers: Headers) -> Response:
    host, is_tls = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if is_tls else 80)
    loop = asyncio.get_running_loop()
    exchange = _Exchange(_request(url, headers), loop.create_future())
    try:
        transport, _ = await loop.create_connection(lambda: exchange, host, port, ssl=_tls() if is_tls else None)
    except ssl.SSLError as error:
        raise HttpError(_tls_error(error)) from error
    except OSError as error:
        raise HttpError(dial_error(host, port, error)) from error
    try:
        return await exchange.answer
    finally:
        transport.close()


def _request(url: SplitResult, headers: Headers) -> bytes:
    """One `Host`, as a header gives it, else the URL's; a header without a value is not sent."""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = next((value for name, value in headers if name.lower() == "host"), url.netloc)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() != "host" and value]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8", "replace")


class _Exchange(asyncio.Protocol):
    """`answer` is set when the body has ended, or enough of it was read."""

    def __init__(self, request: bytes, answer: "asyncio.Future[Response]") -> None:
        self._request, self.answer = request, answer
        self._read = bytearray()
        self._head: _Head | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connected = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._where = connected.get_extra_info("sockname"), connected.get_extra_info("peername")
        connected.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._read += data
        if self.answer.done():
            return
        try:
            self._head = self._head or _head_of(self._read)
        except HttpError as error:
            self.answer.set_exception(error)
            return
        if self._head is None:
            return
        if self._head.is_complete(self._read) or len(self._read) - self._head.size >= MOST_BODY_BYTES:
            self._finish(self._head)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer.done():
            return
        if self._head and not error:
            self._finish(self._head)
        elif isinstance(error, OSError):
            own, peer = (f"{where[0]}:{where[1]}" for where in self._where)
            self.answer.set_exception(HttpError(f"read tcp {own}->{peer}: read: {_errno_text(error)}"))
        else:
            self.answer.set_exception(HttpError("EOF"))

    def _finish(self, head: "_Head") -> None:
        body = bytes(self._read[head.size : head.size + MOST_BODY_BYTES])
        self.answer.set_result(Response(head.status, body.decode("utf-8", "replace"), head.location))


class _Head(NamedTuple):
    """`length` of the body: None is until the connection ends; `size` of the head itself, in bytes."""

    status: int
    size: int
    length: int | None
    is_chunked: bool
    location: str

    def is_complete(self, read: bytearray) -> bool:
        if self.status in (204, 304):
            return True
        if self.is_chunked:
            return read.endswith(b"0\r\n\r\n")
        return self.length is not None and len(read) - self.size >= self.length


def _head_of(read: bytearray) -> _Head | None:
    """None: more is to come. Informational answers (100, 103) are passed over."""
    start = 0
    while True:
        end = read.find(b"\r\n\r\n", start)
        if not read.startswith(b"HTTP/"[: len(read)]) or (end < 0 and len(read) > MOST_HEAD_BYTES):
            raise HttpError(f"net/http: HTTP/1.x transport connection broken: malformed HTTP response {_quoted(read)}")
        if end < 0:
            return None
        status, headers = _parsed(bytes(read[start:end]))
        start = end + 4
        if status >= 200:
            break
    length = headers.get("content-length", "")
    is_chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    size = int(length) if length.isdigit() and not is_chunked else None
    return _Head(status, start, size, is_chunked, headers.get("location", ""))


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        raise HttpError(f"net/http: HTTP/1.x transport connection broken: malformed HTTP response {_quoted(head)}")
    pairs = (line.partition(":") for line in lines)
    return int(parts[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _quoted(read: bytes | bytearray) -> str:
    return '"' + bytes(read).split(b"\n", 1)[0].rstrip(b"\r").decode("latin-1") + '"'


@cache
def _tls() -> ssl.SSLContext:
    """Whatever certificate the pod shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _tls_error(error: ssl.SSLError) -> str:
    if error.reason == "WRONG_VERSION_NUMBER":
        return "http: server gave HTTP response to HTTPS client"
    return f"tls: {(error.reason or str(error)).lower().replace('_', ' ')}"


def dial_error(host: str, port: int, error: OSError) -> str:
    """Why a TCP connection was not made."""
    if error.errno is None or error.errno < 0:  # of the resolver
        return f"dial tcp: lookup {host}: no such host"
    return f"dial tcp {host}:{port}: connect: {_errno_text(error)}"


def _errno_text(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
