"""The door of a server of its own for a test: by certificate, by token, as nobody."""

import contextlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from apiserver.config import Config
from podling import pki
from tests.unit.apiserver.memory import MemoryStorage
from tests.unit.apiserver.running import Running, client_tls, running


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
    server: Running
    anybody: aiohttp.ClientSession  # shows no certificate

    @property
    def config(self) -> Config:
        return self.server.config

    @property
    def folder(self) -> Path:
        return self.server.folder

    @property
    def storage(self) -> MemoryStorage:
        return self.server.storage

    async def call(self, method: str, path: str, *, token: str = "", **more: Any) -> Answer:
        """As admin, or as whose token it is ("-": as nobody)."""
        session, headers = (self.anybody if token else self.server.session), dict(more.pop("headers", {}))
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
async def door(folder: Path, storage: MemoryStorage | None = None, **settings: Any) -> AsyncIterator[Door]:
    """`folder` has or gets a PKI; `settings` are fields of `Config`."""
    pki.ensure(folder, ["n1"])
    connector = aiohttp.TCPConnector(ssl=client_tls(folder), limit=0)
    async with (
        running(folder, storage=storage, **settings) as server,
        aiohttp.ClientSession(connector=connector) as anybody,
    ):
        yield Door(server, anybody)
