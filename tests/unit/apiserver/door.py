"""A server of its own for a test, as its clients meet it: HTTPS in front, a store in memory behind."""

import asyncio
import contextlib
import io
import json
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from apiserver import service
from apiserver.config import Config
from podling import pki
from tests.unit.apiserver.memory import MemoryStorage

READY_SECONDS = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client_tls(folder: Path, name: str = "") -> ssl.SSLContext:
    """`name`: whose certificate is shown, "" for none."""
    tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    if name:
        tls.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return tls


@dataclass
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class Door:
    config: Config
    folder: Path
    storage: MemoryStorage
    admin: aiohttp.ClientSession
    anybody: aiohttp.ClientSession  # shows no certificate
    task: "asyncio.Task[None] | None" = None
    extra: dict[str, Any] = field(default_factory=dict)

    async def call(self, method: str, path: str, *, token: str = "", **more: Any) -> Answer:
        """As admin, or as whose token it is ("-": as nobody)."""
        session, headers = (self.anybody if token else self.admin), dict(more.pop("headers", {}))
        if isinstance(more.get("data"), bytes):
            more["data"] = io.BytesIO(more["data"])
        if token.strip("-"):
            headers["Authorization"] = f"Bearer {token}"
        async with session.request(method, self.config.url + path, headers=headers, **more) as response:
            return Answer(response.status, response.headers, await response.text())

    async def bind(self, *users: str) -> None:
        """They may do everything, and are no masters."""
        subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name} for name in users]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        body = {"metadata": {"generateName": "test-"}, "subjects": subjects, "roleRef": role}
        made = await self.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", json=body)
        assert made.status == 201, made.text


@contextlib.asynccontextmanager
async def door(folder: Path, storage: MemoryStorage | None = None, **changes: Any) -> AsyncIterator[Door]:
    """`folder` has or gets a PKI; `changes` are fields of `Config`."""
    pki.ensure(folder, ["n1"])
    storage = storage or MemoryStorage()
    if not storage.events:
        storage.put(b"/older", b"than the server")
    config = Config(**{
        "port": free_port(),
        "grpc_port": free_port(),
        "tls_cert": folder / "apiserver.crt",
        "tls_key": folder / "apiserver.key",
        "client_ca": folder / "ca.crt",
        "sa_key": folder / "sa.key",
        "sa_pub": folder / "sa.pub",
        "kubelet_client_cert": folder / "apiserver-kubelet-client.crt",
        "kubelet_client_key": folder / "apiserver-kubelet-client.key",
        **changes,
    })  # fmt: skip
    task = asyncio.create_task(service.run(config, storage))
    connectors = [aiohttp.TCPConnector(ssl=client_tls(folder, name), limit=0) for name in ("admin", "")]
    async with (
        aiohttp.ClientSession(connector=connectors[0]) as admin,
        aiohttp.ClientSession(connector=connectors[1]) as anybody,
    ):
        made = Door(config, folder, storage, admin, anybody, task)
        try:
            await _ready(made)
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _ready(made: Door) -> None:
    assert made.task is not None
    for _ in range(READY_SECONDS * 50):
        if made.task.done():
            made.task.result()
        with contextlib.suppress(aiohttp.ClientConnectionError):
            if (await made.call("GET", "/readyz")).status == 200:
                return
        await asyncio.sleep(0.02)
    raise AssertionError("the server did not become ready")
