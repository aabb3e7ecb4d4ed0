"""A whole API server in the test's loop, as its clients meet it: HTTPS, gRPC; the store in memory behind."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apiserver import service
from apiserver.config import Config
from podling import pki
from tests.unit.apiserver.memory import MemoryStorage


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    pki.ensure(folder, ["n1"])
    return folder


@dataclass
class Running:
    config: Config
    storage: MemoryStorage
    session: aiohttp.ClientSession
    folder: Path
    task: asyncio.Task[None]

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.config.url + path, **more) as response:
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text


def client_tls(folder: Path, name: str = "", trust: Path | None = None) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str((trust or folder) / "ca.crt"))
    if name:
        tls.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return tls


@asynccontextmanager
async def running(
    folder: Path, trust: Path | None = None, storage: MemoryStorage | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """`settings` are further ones of its Config. `trust` has the CA of its own certificate where that is another."""
    storage = storage or MemoryStorage()
    if not storage.events:
        storage.put(b"/older", b"than the server")
    defaults: dict[str, Any] = {
        "port": free_port(),
        "grpc_port": free_port(),
        "tls_cert": folder / "apiserver.crt",
        "tls_key": folder / "apiserver.key",
        "client_ca": folder / "ca.crt",
        "sa_key": folder / "sa.key",
        "sa_pub": folder / "sa.pub",
        "kubelet_client_cert": folder / "apiserver-kubelet-client.crt",
        "kubelet_client_key": folder / "apiserver-kubelet-client.key",
    }
    config = Config(**{**defaults, **settings})
    task = asyncio.create_task(service.run(config, storage))
    connector = aiohttp.TCPConnector(ssl=client_tls(folder, "admin", trust), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        server = Running(config, storage, session, folder, task)
        for _ in range(3000):
            if task.done():
                task.result()
            with contextlib.suppress(aiohttp.ClientConnectionError):
                if (await server.call("GET", "/readyz"))[0] == 200:
                    break
            await asyncio.sleep(0.02)
        try:
            yield server
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def server(certificates: Path) -> AsyncIterator[Running]:
    async with running(certificates) as made:
        yield made
