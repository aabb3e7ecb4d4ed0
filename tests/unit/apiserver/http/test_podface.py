"""The face for pods: an address that may come later, and hears nobody else."""

import asyncio
import socket

import pytest
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.http.podface import Server, listen


async def answer(request: BaseRequest) -> web.StreamResponse:
    return web.Response(text="served")


async def ask(port: int, source: str) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.2", port, local_addr=(source, 0))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await writer.drain()
        found = await reader.read()
        writer.close()
        return found
    except ConnectionError:
        return b""


async def test_only_pods_and_this_machine_are_heard() -> None:
    server = Server(answer)
    server.admit_pods("127.0.0.2", "127.0.0.0/30")
    runner = web.ServerRunner(server)
    await runner.setup()
    listening = listen("127.0.0.2", 0)
    await web.SockSite(runner, listening).start()
    port = listening.getsockname()[1]
    try:
        assert b"served" in await ask(port, "127.0.0.1")
        assert await ask(port, "127.0.0.9") == b""
    finally:
        await runner.cleanup()


def test_an_address_is_listened_on_before_it_is_there() -> None:
    with pytest.raises(OSError), socket.socket() as plain:
        plain.bind(("192.0.2.77", 0))
    listen("192.0.2.77", 0).close()
