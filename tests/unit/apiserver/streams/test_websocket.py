"""The WebSocket protocols that kubectl does not speak, and requests that are no upgrade."""

import asyncio
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


FORWARD = "/api/v1/namespaces/default/pods/p/portforward?ports="


async def test_ports_are_forwarded_over_channels_that_begin_with_their_number(session: aiohttp.ClientSession) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    number = port.to_bytes(2, "little")
    async with asyncio.timeout(60), server:
        async with session.ws_connect(f"{FORWARD}{port},1", protocols=("v4.channel.k8s.io",)) as socket:
            begun = [await socket.receive_bytes() for _ in range(4)]
            assert begun == [b"\x00" + number, b"\x01" + number, b"\x02\x01\x00", b"\x03\x01\x00"]
            for junk in (b"", b"\x01to errors", b"\x08to nowhere", b"\x00hi\n"):
                await socket.send_bytes(junk)
            told = sorted([await socket.receive_bytes(), await socket.receive_bytes()])
            assert told[0] == b"\x00HI\n"
            assert told[1].startswith(b"\x03error forwarding port 1 to pod u, uid : dial tcp4 127.0.0.1:1: connect: ")
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        async with session.ws_connect(f"{FORWARD}{port}", protocols=("v4.base64.channel.k8s.io",)) as socket:
            assert await socket.receive_str() == "0" + base64.b64encode(number).decode()
            assert await socket.receive_str() == "1" + base64.b64encode(number).decode()
            await socket.send_str("0" + base64.b64encode(b"hi\n").decode())
            assert await socket.receive_str() == "0" + base64.b64encode(b"HI\n").decode()


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ("", 'query parameter "port" cannot be empty'),
        ("80,x", 'unable to parse "80,x" as a port: strconv.ParseUint: parsing "x": invalid syntax'),
        ("0", 'port "0" must be > 0'),
        ("70000", 'unable to parse "70000" as a port: strconv.ParseUint: parsing "70000": value out of range'),
    ],
)
async def test_channels_want_ports(session: aiohttp.ClientSession, ports: str, words: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "v4.channel.k8s.io"}
    async with session.get(FORWARD + ports, headers=headers) as answer:
        assert (answer.status, (await answer.json())["message"]) == (400, words)
