"""Two real API servers: one behind an APIService of the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from podling import pki
from tests.unit.apiserver.https import bundle
from tests.unit.apiserver.running import Running, running

Object = dict[str, Any]

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
GROUP, VERSION = "notes.example.com", "v1"
NOTES = f"/apis/{GROUP}/{VERSION}/namespaces/default/notes"
CRD = {
    "metadata": {"name": f"notes.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "notes", "singular": "note", "kind": "Note", "shortNames": ["nt"]},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "properties": {"text": {"type": "string"}}},
                },
            }
        ],
    },
}


@dataclass
class Both:
    """`front` is what clients speak to; `behind` serves notes, and believes the front proxy."""

    front: Running
    behind: Running

    async def register(self) -> Object:
        """An APIService for notes, and its service; the condition, once all is well."""
        await register(self.front, self.behind.config.port, GROUP, caBundle=bundle(self.front.folder))
        return await condition(self.front, GROUP, lambda found: found["status"] == "True")


async def register(front: Running, port: int, group: str, **spec: Any) -> None:
    """The service leads to this machine, by name: an endpoint may not be a loopback address."""
    await external(front)
    service = {"name": "agg", "namespace": "default", "port": port}
    code, made = await front.call("POST", SERVICES, json=api_service({"group": group, "service": service, **spec}))
    assert code == 201, made["message"]


async def external(front: Running) -> None:
    body = {"metadata": {"name": "agg"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    code, made = await front.call("POST", "/api/v1/namespaces/default/services", json=body)
    assert code == 201, made["message"]


def api_service(spec: Object) -> Object:
    numbers = {"version": VERSION, "groupPriorityMinimum": 2000, "versionPriority": 15}
    return {"metadata": {"name": f"{VERSION}.{spec['group']}"}, "spec": {**numbers, **spec}}


async def condition(front: Running, group: str, wanted: Callable[[Object], bool]) -> Object:
    for _ in range(3000):
        _, found = await front.call("GET", f"{SERVICES}/{VERSION}.{group}")
        for each in (found.get("status") or {}).get("conditions") or ():
            if wanted(each):
                return each  # type: ignore[no-any-return]
        await asyncio.sleep(0.02)
    raise AssertionError(f"the condition did not come: {found.get('status')}")


async def until(call: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    for _ in range(3000):
        found = await call()
        if wanted(found):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"it did not come to that: {found}")


@pytest.fixture(scope="session")
def another_cluster(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Path:
    """Users of its own; its server's certificate and its front proxies are the first cluster's."""
    folder = tmp_path_factory.mktemp("behind")
    pki.ensure(folder, [])
    pki.issue(certificates, pki.Leaf("agg", "agg", server_names=("agg.default.svc", "127.0.0.1")))
    return folder


@asynccontextmanager
async def server_behind(certificates: Path, another: Path) -> AsyncIterator[Running]:
    leaf = {"tls_cert": certificates / "agg.crt", "tls_key": certificates / "agg.key"}
    async with running(
        another, trust=certificates, requestheader_client_ca=certificates / "front-proxy-ca.crt", **leaf
    ) as made:
        assert (await made.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=CRD))[0] == 201
        await until(lambda: made.call("GET", NOTES), lambda found: found[0] == 200)
        yield made


@pytest.fixture
async def front(certificates: Path) -> AsyncIterator[Running]:
    proxy = {"proxy_client_cert": "front-proxy-client.crt", "proxy_client_key": "front-proxy-client.key"}
    files = {name: certificates / file for name, file in proxy.items()}
    async with running(certificates, requestheader_client_ca=certificates / "front-proxy-ca.crt", **files) as made:
        yield made


@pytest.fixture
async def both(front: Running, certificates: Path, another_cluster: Path) -> AsyncIterator[Both]:
    async with server_behind(certificates, another_cluster) as behind:
        yield Both(front, behind)
