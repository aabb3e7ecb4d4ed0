"""The WebSocket protocols that kubectl does not speak, and requests that are no upgrade."""

import base64
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

EXEC = "/api/v1/namespaces/default/pods/p/exec?command=cat&stdin=1&stdout=1&stderr=1"


@pytest.fixture
async def session(world: Any) -> AsyncIterator[aiohttp.ClientSession]:
    tls = ssl.create_default_context(cafile=str(world.folder / "ca.crt"))
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(f"https://127.0.0.1:{world.port}", connector=connector) as made:
        yield made


async def test_base64_channels_carry_text(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(EXEC, protocols=("v4.base64.channel.k8s.io",)) as socket:
        assert socket.protocol == "v4.base64.channel.k8s.io"
        assert (await socket.receive_str()) == "1"
        await socket.send_str("0" + base64.b64encode(b"hi\n").decode())
        assert base64.b64decode((await socket.receive_str())[1:]) == b"hi\n"


async def test_without_a_protocol_channels_are_bytes_and_junk_is_passed_over(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(EXEC) as socket:
        assert (await socket.receive_bytes()) == b"\x01"
        for junk in (b"", b"\x04{", b"\x04[]", b"\x09what", b"\xff"):
            await socket.send_bytes(junk)
        await socket.send_bytes(b"\x00hi\n")
        assert (await socket.receive_bytes()) == b"\x01hi\n"


async def test_v5_closes_standard_input_and_tells_how_the_command_ended(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(EXEC, protocols=("v5.channel.k8s.io",)) as socket:
        assert (await socket.receive_bytes()) == b"\x01"
        await socket.send_bytes(b"\xff\x00")
        assert (await socket.receive_bytes()) == b'\x03{"metadata":{},"status":"Success"}'
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize(
    ("headers", "query", "code", "words"),
    [
        ({}, "?command=cat&stdout=1", 400, "Upgrade request required"),
        ({}, "?stdout=1", 400, "you must specify a command"),
        ({}, "?command=cat", 400, "you must specify at least 1 of stdin, stdout, stderr"),
        (
            {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "v9.channel.k8s.io"},
            "?command=cat&stdout=1",
            403,
            "unable to upgrade: unable to negotiate protocol: client supports",
        ),
    ],
)
async def test_what_is_no_upgrade_is_refused(
    session: aiohttp.ClientSession, headers: dict[str, str], query: str, code: int, words: str
) -> None:
    path = EXEC.partition("?")[0] + query
    async with session.post(path, headers=headers) as answer:
        assert answer.status == code
        assert words in (await answer.json())["message"]


async def test_logs_of_a_pod_without_a_node_are_empty(world: Any, session: aiohttp.ClientSession) -> None:
    del world.pod["spec"]["nodeName"]
    async with session.get("/api/v1/namespaces/default/pods/p/log") as answer:
        assert (answer.status, await answer.text()) == (204, "")


async def test_a_pod_that_is_not_there_is_not_found(session: aiohttp.ClientSession) -> None:
    for sub in ("log", "exec?command=a&stdout=1", "attach?stdout=1", "portforward"):
        async with session.get(f"/api/v1/namespaces/default/pods/q/{sub}") as answer:
            assert (answer.status, (await answer.json())["message"]) == (404, 'pods "q" not found')


async def test_port_forward_wants_a_running_pod(world: Any, session: aiohttp.ClientSession) -> None:
    world.pod["status"]["phase"] = "Pending"
    async with session.post("/api/v1/namespaces/default/pods/p/portforward") as answer:
        words = "unable to forward port because pod is not running. Current status=Pending"
        assert (answer.status, (await answer.json())["message"]) == (400, words)
