"""A server, and webhooks of its own that a test programs and looks into."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.unit.apiserver.https import Server, bundle, serving
from tests.unit.apiserver.running import Running

Object = dict[str, Any]
Answer = Callable[[Object], Any]
GROUP = "/apis/admissionregistration.k8s.io/v1"
MAPS = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}


def allow(request: Object) -> Object:
    return {"allowed": True}


def patch(*operations: Object) -> Answer:
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda request: {"allowed": True, "patch": text, "patchType": "JSONPatch"}


class Webhooks:
    """`answers` by path; `seen` are the requests, with their path, in the order in which they came."""

    def __init__(self, running: Running, server: Server) -> None:
        self.running, self.server = running, server
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, Object]] = []

    @property
    def requests(self) -> list[Object]:
        return [request for _, request in self.seen]

    async def answer(self, http: web.Request) -> web.StreamResponse:
        review = await http.json()
        request = review["request"]
        self.seen.append((http.path, request))
        found = self.answers.get(http.path, allow)(request)
        if isinstance(found, Awaitable):
            found = await found
        if isinstance(found, web.StreamResponse):
            return found
        response = {"uid": request["uid"], **found}
        return web.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})

    async def configure(self, kind: str, name: str, *hooks: Object) -> None:
        """`kind` is mutating or validating. A hook is at `/<its name>` unless it says otherwise."""
        made = []
        for hook in hooks:
            url = {
                "url": f"{self.server.url}/{hook['name'].partition('.')[0]}",
                "caBundle": bundle(self.running.folder),
            }
            made.append({
                "clientConfig": url, "admissionReviewVersions": ["v1"], "sideEffects": "None", "rules": [MAPS],
                "timeoutSeconds": 5, **hook,
            })  # fmt: skip
        body = {"metadata": {"name": name}, "webhooks": made}
        code, found = await self.running.call("POST", f"{GROUP}/{kind}webhookconfigurations", json=body)
        assert code == 201, found

    async def call(self, method: str, path: str, body: Object | None = None, **more: Any) -> tuple[int, Any]:
        return await self.running.call(method, path, json=body, **more)


@pytest.fixture
async def webhooks(server: Running, certificates: Path) -> AsyncIterator[Webhooks]:
    async def handler(http: web.BaseRequest) -> web.StreamResponse:
        return await made.answer(http)  # type: ignore[arg-type]

    async with serving(certificates, handler) as https:
        made = Webhooks(server, https)
        for _ in range(3000):  # the bootstrap's own writes are not the test's
            if (await server.call("GET", "/api/v1/namespaces/default"))[0] == 200:
                break
            await asyncio.sleep(0.02)
        yield made
