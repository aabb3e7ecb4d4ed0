"""SIGTERM to a real API server, with clients that are in the middle of something."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from podling.cli.probe import Probe
from podling.state import State

NAME = "stops"
MAPS = "/api/v1/namespaces/default/configmaps"
START_SECONDS = 60


class Running(NamedTuple):
    process: "subprocess.Popen[bytes]"
    url: str
    tls: ssl.SSLContext


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    state = State(NAME, tmp_path / "podling")
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    program = "import sys; from podling.cli.main import app; sys.argv[0] = 'podling'; app()"
    command = [sys.executable, "-c", program, "apiserver", "--name", NAME]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(START_SECONDS * 20):
            if state.kubeconfig.exists() and Probe(state.pki).is_ready(address(state)):
                break
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        tls = ssl.create_default_context(cafile=str(state.pki / "ca.crt"))
        tls.load_cert_chain(state.pki / "admin.crt", state.pki / "admin.key")
        yield Running(process, address(state), tls)
    finally:
        process.kill()
        process.wait(60)


def address(state: State) -> str:
    return f"https://127.0.0.1:{state.load().ports['apiserver']}"


async def readyz(server: Running, session: aiohttp.ClientSession) -> str:
    """What a new connection is told; "" where there is none to be had."""
    with contextlib.suppress(aiohttp.ClientConnectionError):
        async with session.get(f"{server.url}/readyz", headers={"Connection": "close"}) as response:
            return f"{response.status} {await response.text()}"
    return ""


async def test_it_says_so_ends_watches_answers_what_it_has_begun_and_then_closes(server: Running) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=server.tls)) as session:
        await stop_in_the_middle(server, session)
        assert await asyncio.to_thread(server.process.wait, 10) == 0
        assert await readyz(server, session) == ""


async def stop_in_the_middle(server: Running, session: aiohttp.ClientSession) -> None:
    body, go_on = json.dumps({"metadata": {"name": "late"}}).encode(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:5]
        await go_on.wait()
        yield body[5:]

    async with session.post(server.url + MAPS, json={"metadata": {"name": "early"}}) as made:
        assert made.status == 201
    async with session.get(f"{server.url}{MAPS}?watch=1&resourceVersion=0") as watch:
        assert json.loads(await watch.content.readline())["object"]["metadata"]["name"] == "early"
        posting = asyncio.create_task(
            session.post(server.url + MAPS, data=slowly(), headers={"Content-Type": "application/json"})
        )
        metric = "apiserver_current_inflight_requests 2.0"  # the POST, and the one that asks
        for _ in range(3000):
            async with session.get(f"{server.url}/metrics") as metrics:
                if metric in await metrics.text():
                    break
            await asyncio.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)

        assert await watch.content.read() == b""  # it ends, and is not cut off: aiohttp would raise
        told = await readyz(server, session)
        assert told.startswith("500 ")
        assert "[-]shutdown failed: process is shutting down" in told
        go_on.set()
        async with await posting as answer:
            assert answer.status == 201
            assert answer.headers["Connection"] == "close"
