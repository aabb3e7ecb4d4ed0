"""What podling's own services make of what another server has: they ask by gRPC."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from apiserver.aggregation import calls
from controllers import garbage, namespace
from controllers.controller import Context
from podling.api.errors import Conflict, Expired, GroupResource, NotFound
from podling.client.grpc import GrpcClient, dial
from podling.client.informers import Informers
from podling.client.resource import Partial, Resource
from podling.loop.clock import RealClock
from tests.unit.apiserver.aggregation.servers import (
    GROUP,
    NOTES,
    SERVICES,
    VERSION,
    Both,
    Object,
    condition,
    register,
    until,
)
from tests.unit.apiserver.https import bundle
from tests.unit.apiserver.running import Running, free_port


async def test_a_namespace_takes_with_it_what_another_server_has(both: Both) -> None:
    await both.register()
    async with controlling(both.front, namespace.control):
        await make_namespaces(both)
        await both.front.call("DELETE", "/api/v1/namespaces/ending")
        await until(lambda: both.front.call("GET", "/api/v1/namespaces/ending"), lambda found: found[0] == 404)
    listed = (await both.behind.call("GET", f"/apis/{GROUP}/{VERSION}/notes"))[1]["items"]
    assert [each["metadata"]["namespace"] for each in listed] == ["default"]


async def make_namespaces(both: Both) -> None:
    """ "ending" on both servers, and a note there and in another."""
    for server in (both.front, both.behind):
        await server.call("POST", "/api/v1/namespaces", json={"metadata": {"name": "ending"}})
    note = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Note", "metadata": {"name": "a"}}
    for path in (NOTES, NOTES.replace("default", "ending")):
        code, made = await both.front.call("POST", path, json=note)
        assert code == 201, made["message"]


@asynccontextmanager
async def controlling(server: Running, *controls: Callable[[Context], Any]) -> AsyncIterator[GrpcClient]:
    ca, certificate, key = ((server.folder / file).read_bytes() for file in ("ca.crt", "admin.crt", "admin.key"))
    client = GrpcClient(dial(f"127.0.0.1:{server.config.grpc_port}", ca, certificate, key), "tester")
    async with Informers(client) as informers:
        tasks = [asyncio.create_task(control(Context(client, informers, RealClock()))) for control in controls]
        try:
            yield client
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


async def test_a_namespace_waits_for_a_server_that_is_away(
    front: Running, certificates: Path, another_cluster: Path
) -> None:
    async def conditions() -> Object:
        _, found = await front.call("GET", "/api/v1/namespaces/ending")
        return {each["type"]: each for each in (found.get("status") or {}).get("conditions") or ()}

    await register(front, free_port(), GROUP, caBundle=bundle(certificates))
    await condition(front, GROUP, lambda found: found["reason"] == "FailedDiscoveryCheck")
    await front.call("POST", "/api/v1/namespaces", json={"metadata": {"name": "ending"}})
    async with controlling(front, namespace.control):
        await front.call("DELETE", "/api/v1/namespaces/ending")
        told = await until(conditions, lambda found: "NamespaceDeletionDiscoveryFailure" in found)
        assert (told["NamespaceDeletionDiscoveryFailure"]["status"], told["NamespaceContentRemaining"]["status"]) == (
            "True",
            "False",
        )
        assert (
            f"{GROUP}/{VERSION}: stale GroupVersion discovery" in told["NamespaceDeletionDiscoveryFailure"]["message"]
        )
        await front.call("DELETE", f"{SERVICES}/{VERSION}.{GROUP}")
        await until(lambda: front.call("GET", "/api/v1/namespaces/ending"), lambda found: found[0] == 404)


async def test_owners_and_what_they_own_may_be_on_two_servers(both: Both) -> None:
    await both.register()
    async with controlling(both.front, garbage.control) as client:
        maps = "/api/v1/namespaces/default/configmaps"
        _, owner = await both.front.call("POST", maps, json={"metadata": {"name": "owner"}})
        note = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Note", "metadata": {"name": "a", **owned_by(owner)}}
        _, made = await both.front.call("POST", NOTES, json=note)
        await both.front.call("POST", maps, json={"metadata": {"name": "child", **owned_by(made)}})
        assert GROUP in {of.group for of in (await client.discover()).that_take("list", "watch", "delete")}
        await both.front.call("DELETE", f"{maps}/owner")
        await until(lambda: both.behind.call("GET", f"{NOTES}/a"), lambda found: found[0] == 404)
        await until(lambda: both.front.call("GET", f"{maps}/child"), lambda found: found[0] == 404)


def owned_by(owner: Object) -> Object:
    metadata = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
    return {"ownerReferences": [{**reference, "name": metadata["name"], "uid": metadata["uid"]}]}


async def test_a_call_by_grpc_reaches_the_other_server_too(both: Both) -> None:
    await both.register()
    of = Resource(GROUP, VERSION, "notes", "Note", Partial)
    async with controlling(both.front) as client:
        note = {"apiVersion": of.api_version, "kind": of.kind}
        made = await client.create(of, {**note, "metadata": {"name": "a", "labels": {"x": "1"}}}, "default")
        await client.create(of, {**note, "metadata": {"name": "b"}}, "default")
        listed = await client.list(of, "default", labels="x=1")
        assert [each.metadata.name for each in listed.items] == ["a"]
        changes = client.watch(of, listed.resource_version, "default")
        await client.patch(of, "a", {"metadata": {"labels": {"y": "2"}}}, "default")
        changed = await anext(changes)
        assert (changed.type, changed.object.metadata.labels) == ("MODIFIED", {"x": "1", "y": "2"})
        with pytest.raises(Conflict):
            await client.delete(of, "a", "default", uid="another")
        await client.delete(of, "a", "default", uid=str(made.metadata.uid))
        with pytest.raises(NotFound, match=f'notes.{GROUP} "a" not found'):
            await client.get(of, "a", "default")
        await client.delete_collection(of, "default")
        assert not (await client.list(of)).items
        with pytest.raises(Expired):
            await anext(client.watch(of, "1", "default"))


OF = GroupResource("example.com", "notes")


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (404, b"404 page not found", f"NotFound: the server could not find the requested resource (get {OF})"),
        (503, b"away", f"ServiceUnavailable: the server is currently unable to handle the request (get {OF})"),
        (
            500,
            b"oh",
            f'InternalError: an error on the server ("oh") has prevented the request from succeeding (get {OF})',
        ),
        (500, b'{"kind": "Status", "reason": "Timeout", "code": 504, "message": "late"}', "Timeout: late"),
    ],
)
def test_what_another_server_refuses_is_told_as_a_client_would(code: int, body: bytes, error: str) -> None:
    found = calls.refusal(code, body, "GET", OF)
    assert f"{found.reason}: {found.message}" == error
