"""The GET of probes, on the loop of the tests and on the one that the kubelet runs on, against servers of all sorts."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from kubelet.probes.http_get import HttpError, Response, get
from podling import pki
from podling.loop.clock import settle

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
HEADERS = [("User-Agent", "kube-probe/1.36"), ("Accept", "*/*")]
Script = Callable[[bytes, int], bytes]


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None, *, closes: bool = True) -> AsyncIterator[int]:
    """`script(request, port)` is what each connection is answered with."""

    answering = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with contextlib.suppress(OSError):
            writer.write(script(await reader.read(65536), port))
            if not closes:
                await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield port
        await asyncio.gather(*(task for task in answering if task))
        await settle()


def ask(script: Script, path: str = "/", *, closes: bool = True, scheme: str = "http", tls: object = None) -> Response:
    """On both loops; they answer the same."""

    async def once() -> Response:
        async with serving(script, tls, closes=closes) as port:  # type: ignore[arg-type]
            async with asyncio.timeout(60):
                return await get(f"{scheme}://127.0.0.1:{port}{path}", HEADERS)

    found = []
    for loop in LOOPS:
        with asyncio.Runner(loop_factory=loop) as runner:
            found.append(runner.run(once()))
    assert found[0] == found[1]
    return found[0]


ANSWERS = {
    "until it closes": (b"HTTP/1.1 200 OK\r\n\r\nhello", True, Response(200, "hello")),
    "of a length, kept open": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", False, Response(200, "hello")),
    "in chunks, kept open": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", False,
        Response(200, "2\r\nhi\r\n0\r\n\r\n"),
    ),
    "without a body": (b"HTTP/1.1 204 No Content\r\n\r\n", False, Response(204, "")),
    "after a hint": (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 No\r\n\r\n", True, Response(503, "")),
    "of HTTP/1.0": (b"HTTP/1.0 404 Not Found\r\n\r\n", True, Response(404, "")),
    "too long": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000, False, Response(200, "x" * 10_240)),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_read_to_its_end(case: str) -> None:
    text, closes, expected = ANSWERS[case]
    assert ask(lambda request, port: text, closes=closes) == expected


def test_the_request_closes_its_connection_and_carries_the_headers() -> None:
    seen = []

    def script(request: bytes, port: int) -> bytes:
        seen.append(request.replace(str(port).encode(), b"PORT"))
        return b"HTTP/1.1 200 OK\r\n\r\n"

    ask(script, "/a?b=c")
    expected = "GET /a?b=c HTTP/1.1|Host: 127.0.0.1:PORT|User-Agent: kube-probe/1.36|Accept: */*|Connection: close||"
    assert seen[0].decode() == expected.replace("|", "\r\n")


def test_redirects_on_the_same_host_are_followed_and_others_are_the_answer() -> None:
    def moves(request: bytes, port: int) -> bytes:
        if request.startswith(b"GET /new"):
            return b"HTTP/1.1 200 OK\r\n\r\nnew"
        return b"HTTP/1.1 302 Found\r\nLocation: /new\r\n\r\n"

    assert ask(moves) == Response(200, "new")
    away = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\ngone"
    assert ask(lambda request, port: away) == Response(302, "gone", "http://elsewhere.example/")
    with pytest.raises(HttpError, match="stopped after 10 redirects"):
        ask(lambda request, port: b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")


def test_what_is_no_http_is_told_in_gos_words() -> None:
    with pytest.raises(HttpError, match=r'Get "http://127.0.0.1:\d+/": EOF$'):
        ask(lambda request, port: b"")
    with pytest.raises(HttpError, match=r'malformed HTTP response "SSH-2\.0-x"'):
        ask(lambda request, port: b"SSH-2.0-x\r\n\r\n")


def test_a_certificate_is_not_verified(tmp_path: Path) -> None:
    pki.ensure(tmp_path, [])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "scheduler.crt", tmp_path / "scheduler.key")
    assert ask(lambda request, port: b"HTTP/1.1 200 OK\r\n\r\nsafe", scheme="https", tls=tls) == Response(200, "safe")
    with pytest.raises(HttpError, match="server gave HTTP response to HTTPS client"):
        ask(lambda request, port: b"HTTP/1.1 200 OK\r\n\r\n", scheme="https")
