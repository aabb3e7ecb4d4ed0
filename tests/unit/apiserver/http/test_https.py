"""The server as its clients meet it: HTTPS and gRPC in front, the store in memory behind."""

import asyncio
import contextlib
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import aiohttp.web
import pytest

from podling.api import errors
from podling.client.grpc import GrpcClient, dial
from podling.client.resource import CONFIG_MAPS, NAMESPACES, Partial, Resource, scale
from tests.unit.apiserver.running import Running, client_tls

JSON = {"Content-Type": "application/json"}
MAPS = "/api/v1/namespaces/default/configmaps"


async def test_an_object_is_made_read_listed_and_deleted(server: Running) -> None:
    status, made = await server.call("POST", MAPS, json={"metadata": {"name": "a"}, "data": {"k": "v"}})
    assert (status, made["kind"], made["data"]) == (201, "ConfigMap", {"k": "v"})
    assert (await server.call("GET", f"{MAPS}/a"))[1] == made
    _, listed = await server.call("GET", MAPS)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
    assert "kind" not in listed["items"][0]
    status, gone = await server.call("DELETE", f"{MAPS}/a")
    assert (status, gone["status"], gone["details"]["name"]) == (200, "Success", "a")
    status, missing = await server.call("GET", f"{MAPS}/a")
    assert (status, missing["reason"]) == (404, "NotFound")


async def test_a_watch_tells_what_happens_and_ends_when_its_time_is_over(server: Running) -> None:
    _, made = await server.call("POST", MAPS, json={"metadata": {"name": "a"}})
    version = made["metadata"]["resourceVersion"]
    watching = asyncio.create_task(
        server.call("GET", f"{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=1", headers={"X": "y"})
    )
    await server.call("POST", MAPS, json={"metadata": {"name": "b"}})
    async with server.session.get(
        f"{server.config.url}{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=1"
    ) as response:
        events = [json.loads(line) async for line in response.content]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events] == [("ADDED", "b")]
    assert (await watching)[0] == 200


async def test_watches_end_before_the_server_does(server: Running) -> None:
    async with server.session.get(f"{server.config.url}/api/v1/namespaces?watch=1") as response:
        await response.content.readline()
        server.task.cancel()
        lines = [line async for line in response.content]
    assert all(json.loads(line)["type"] == "ADDED" for line in lines)
    with pytest.raises(asyncio.CancelledError):
        await server.task


async def test_who_shows_nothing_is_anonymous_and_who_shows_a_wrong_token_is_nobody(server: Running) -> None:
    connector = aiohttp.TCPConnector(ssl=client_tls(server.folder))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(server.config.url + MAPS) as response:
            body = await response.json()
            assert response.status == 403
            assert body["message"].startswith('configmaps is forbidden: User "system:anonymous" cannot list resource')
        async with session.get(server.config.url + MAPS, headers={"Authorization": "Bearer wrong"}) as response:
            assert response.status == 401
        async with session.get(server.config.url + "/version") as response:
            assert response.status == 200


async def test_a_body_over_three_megabytes_is_refused(server: Running) -> None:
    status, body = await server.call("POST", MAPS, data=io.BytesIO(b"{" + b" " * (3 << 20)), headers=JSON)
    assert (status, body["message"]) == (413, "Request entity too large: limit is 3145728")


async def test_a_body_without_a_length_is_counted_as_it_comes(server: Running) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    with contextlib.suppress(aiohttp.ClientConnectionError):  # the server may hang up while we still send
        assert (await server.call("POST", MAPS, data=endless(), headers=JSON))[0] == 413


@pytest.mark.parametrize(
    ("method", "path", "code", "words"),
    [
        ("GET", "/nothing/here", 404, "404 page not found\n"),
        ("GET", "/api/v1/ghosts", 404, "the server could not find the requested resource"),
        ("GET", "/api/v1/namespaces/default/configmaps/a/b", 404, "the server could not find the requested resource"),
        ("GET", "/api/v1/namespaces/default/configmaps/../../../../secrets", 404, ""),
        ("PUT", MAPS, 405, "the server does not allow this method on the requested resource"),
        ("DELETE", "/api/v1/namespaces", 405, "the server does not allow this method on the requested resource"),
        ("POST", "/healthz", 200, "ok"),
        ("POST", "/version", 405, "the server does not allow this method on the requested resource"),
        ("PUT", "/apis/apps", 200, ""),
        ("PUT", "/apis/apps/v1", 405, "the server does not allow this method on the requested resource"),
        ("HEAD", MAPS, 405, ""),
        ("POST", "/apis/authorization.k8s.io/v1/localsubjectaccessreviews", 404, "could not find the requested"),
        ("GET", "/api/v1/namespaces/default/pods/a%25b/status", 400, """Name parameter invalid: "a%b": may not"""),
        ("GET", f"{MAPS}/a%25b", 400, """Name parameter invalid: "a%b": may not contain '%'"""),
        ("GET", f"{MAPS}?limit=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
async def test_what_is_not_there_or_not_allowed_says_so(
    server: Running, method: str, path: str, code: int, words: str
) -> None:
    status, body = await server.call(method, path)
    assert status == code
    assert words in (body.get("message", "") if isinstance(body, dict) else body)


async def test_a_watch_from_a_forgotten_version_is_an_event_of_its_own_and_ends(server: Running) -> None:
    status, event = await server.call("GET", f"{MAPS}?watch=1&resourceVersion=1")
    assert (status, event["type"], event["object"]["code"], event["object"]["reason"]) == (200, "ERROR", 410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: 1 (")


async def test_a_browser_watches_over_a_websocket(server: Running) -> None:
    await server.call("POST", MAPS, json={"metadata": {"name": "seen"}})
    url = f"{server.config.url}{MAPS}?watch=1&fieldSelector=metadata.name=seen"
    async with server.session.ws_connect(url, protocols=("", "a.example.com")) as socket:
        event = await socket.receive_json()
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "seen")
        await socket.send_str("nobody listens")
        await server.call("DELETE", f"{MAPS}/seen")
        assert (await socket.receive_json())["type"] == "DELETED"
    async with server.session.ws_connect(f"{url}&timeoutSeconds=1") as socket:
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_watch_whose_client_went_is_nobodys_fault(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(*_: Any) -> None:
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(aiohttp.web.StreamResponse, "write", gone)
    await server.call("POST", MAPS, json={"metadata": {"name": "a"}})
    status, text = await server.call("GET", f"{MAPS}?watch=1&timeoutSeconds=1")
    assert (status, text, caplog.text) == (200, "", "")


async def test_one_object_is_watched_by_its_path(server: Running) -> None:
    for name in "ab":
        await server.call("POST", MAPS, json={"metadata": {"name": name}})
    path = MAPS.replace("/v1/", "/v1/watch/")
    status, event = await server.call("GET", f"{path}/b?timeoutSeconds=1")
    assert (status, event["type"], event["object"]["metadata"]["name"]) == (200, "ADDED", "b")


async def test_a_defect_is_a_500_and_a_line_in_the_log(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(server.storage, "write", broken)
    status, body = await server.call("POST", MAPS, json={"metadata": {"name": "a"}})
    assert (status, body["reason"]) == (500, "InternalError")
    assert "request failed method=POST" in caplog.text


async def test_a_store_that_is_away_is_a_503_and_not_ready(server: Running) -> None:
    server.storage.away = True
    assert (await server.call("GET", MAPS))[0] == 503
    status, text = await server.call("GET", "/readyz?verbose")
    assert status == 500
    assert "[-]etcd failed: nobody home" in text
    server.storage.away = False
    assert (await server.call("GET", MAPS))[0] == 200


async def test_a_large_answer_is_compressed_for_who_takes_it(server: Running) -> None:
    for at in range(3):
        await server.call("POST", MAPS, json={"metadata": {"name": f"big{at}"}, "data": {"k": "x" * 100_000}})
    async with server.session.get(
        server.config.url + MAPS, headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as response:
        raw = await response.read()
        assert response.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(raw))["items"]) == 3


async def test_yaml_tables_and_metadata_on_demand(server: Running) -> None:
    await server.call("POST", MAPS, json={"metadata": {"name": "a"}, "data": {"k": "v"}})
    _, text = await server.call("GET", f"{MAPS}/a", headers={"Accept": "application/yaml"})
    assert text.startswith("apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\n")
    table = "application/json;as=Table;g=meta.k8s.io;v=v1"
    _, body = await server.call("GET", MAPS, headers={"Accept": table})
    assert body["rows"][0]["cells"][:2] == ["a", 1]
    assert body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    status, _ = await server.call("GET", MAPS, headers={"Accept": "text/html"})
    assert status == 406


async def test_unknown_fields_warn(server: Running) -> None:
    async with server.session.post(
        server.config.url + MAPS, json={"metadata": {"name": "a"}, "dta": {}, "more": 1}
    ) as response:
        assert response.headers.getall("Warning") == [
            '299 - "unknown field \\"dta\\""',
            '299 - "unknown field \\"more\\""',
        ]


def grpc_client(server: Running, name: str) -> GrpcClient:
    ca, certificate, key = ((server.folder / file).read_bytes() for file in ("ca.crt", f"{name}.crt", f"{name}.key"))
    return GrpcClient(dial(f"127.0.0.1:{server.config.grpc_port}", ca, certificate, key), "tester")


async def test_the_grpc_face_is_the_same_pipeline(server: Running) -> None:
    client = grpc_client(server, "admin")
    listed = await client.list(CONFIG_MAPS)
    await asyncio.gather(*(client.create(CONFIG_MAPS, {"metadata": {"name": f"n{at}"}}, "default") for at in range(20)))
    seen = []
    async for change in client.watch(CONFIG_MAPS, listed.resource_version, "default"):
        seen.append(change.object.metadata.name)
        if len(seen) == 20:
            break
    assert set(seen) == {f"n{at}" for at in range(20)}
    with pytest.raises(errors.AlreadyExists, match='configmaps "n1" already exists'):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "n1"}}, "default")
    with pytest.raises(errors.Expired):
        async for _ in client.watch(CONFIG_MAPS, "1", "default"):
            pass
    assert "configmaps" in {of.plural for of in (await client.discover()).that_take("list", "watch", "delete")}
    assert (await client.get(NAMESPACES, "kube-system")).metadata.name == "kube-system"
    await client.close()


async def test_the_grpc_face_tells_of_scales_and_reads_them(server: Running) -> None:
    client = grpc_client(server, "admin")
    names = {"plural": "boats", "kind": "Boat"}
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"scale": paths}}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    body = {"metadata": {"name": "boats.example.com"}, "spec": spec}
    await server.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=body)
    boats = Resource("example.com", "v1", "boats", "Boat", Partial)
    for _ in range(3000):
        served = [each for each in (await client.discover()).served if each.of == boats]
        if served:
            break
        await asyncio.sleep(0.02)
    assert [each.subresources for each in served] == [{"scale"}]
    boat = {"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "a"}, "spec": {"replicas": 3}}
    made = await client.create(boats, boat, "default")
    found = await client.get(scale(boats), "a", "default", subresource="scale")
    assert found.metadata is not None
    assert found.spec is not None
    assert (found.metadata.uid, found.spec.replicas) == (made.metadata.uid, 3)
    await client.close()


async def test_a_node_may_not_read_what_is_not_its_own(server: Running) -> None:
    client = grpc_client(server, "node-n1")
    with pytest.raises(errors.Forbidden, match='User "system:node:n1" cannot list resource'):
        await client.list(CONFIG_MAPS)
    await client.close()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_who_creates_by_name_while_another_does_meets_the_other(server: Running, method: str) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"}}
    theirs = {**body, "metadata": {"name": "a", "namespace": "default", "uid": "u", "labels": {"x": "y"}}}
    server.storage.before_write.append((b"/registry/leases/default/a", json.dumps(theirs).encode()))
    apply = {"Content-Type": "application/apply-patch+yaml"} if method == "PATCH" else JSON
    status, answer = await server.call(method, f"{path}/a?fieldManager=me", data=json.dumps(body), headers=apply)
    if method == "PATCH":
        assert (status, answer["metadata"]["labels"]) == (200, {"x": "y"})
    else:
        assert (status, answer["message"].partition(": ")[2]) == (
            422,
            "metadata.resourceVersion: Invalid value: 0: must be specified for an update",
        )


async def test_paths_that_a_client_makes_up_are_not_counted_apart(server: Running) -> None:
    for path in ("/api/v1/made-up", "/apis/made-up.io/v1/things", f"{MAPS}/a/made-up", "/made-up"):
        assert (await server.call("GET", path))[0] == 404
    async with server.session.get(f"{server.config.url}/metrics") as answer:
        told = await answer.text()
    assert 'apiserver_request_total{code="404",group="",resource="",subresource="",verb="GET",version=""}' in told
    assert "made-up" not in told.lower()
