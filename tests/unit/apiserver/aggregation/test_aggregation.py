"""What clients of one API server see of another that is behind an APIService."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from apiserver import service
from podling import pki
from tests.unit.apiserver.aggregation.servers import (
    CRD,
    GROUP,
    NOTES,
    SERVICES,
    VERSION,
    Both,
    Object,
    api_service,
    condition,
    external,
    register,
    server_behind,
    until,
)
from tests.unit.apiserver.https import bundle, serving
from tests.unit.apiserver.running import Running, client_tls

KUBECTL = str(Path(sys.executable).with_name("kubectl"))


async def test_what_another_server_serves_is_served_as_if_it_were_here(both: Both) -> None:
    assert (await both.register())["reason"] == "Passed"
    note = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Note", "metadata": {"name": "a"}, "text": "hi"}
    code, made = await both.front.call("POST", NOTES, json=note)
    assert code == 201, made["message"]
    assert (made["kind"], made["text"]) == ("Note", "hi")
    assert (await both.front.call("GET", f"{NOTES}/a"))[1] == (await both.behind.call("GET", f"{NOTES}/a"))[1] == made
    code, refused = await both.front.call("GET", f"{NOTES}/b")
    assert (code, refused["message"]) == (404, f'notes.{GROUP} "b" not found')
    url = f"{both.front.config.url}{NOTES}?watch=1&resourceVersion={made['metadata']['resourceVersion']}"
    async with both.front.session.get(url) as watch:
        await both.behind.call("DELETE", f"{NOTES}/a")
        event = json.loads(await watch.content.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "a")


async def test_the_server_behind_is_told_who_calls_and_decides_itself(both: Both) -> None:
    await both.register()
    as_ann = {"Impersonate-User": "ann", "Impersonate-Group": "dev", "X-Remote-User": "liar"}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    await grant(both.front, "ann", rules)
    code, refused = await both.front.call("GET", NOTES, headers=as_ann)
    words = f'User "ann" cannot list resource "notes" in API group "{GROUP}" in the namespace "default"'
    assert (code, words in refused["message"]) == (403, True)
    await grant(both.behind, "ann", rules)
    await until(lambda: both.front.call("GET", NOTES, headers=as_ann), lambda found: found[0] == 200)


async def grant(server: Running, name: str, rules: list[Object]) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1"
    await server.call("POST", f"{roles}/clusterroles", json={"metadata": {"name": name}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
    body = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    assert (await server.call("POST", f"{roles}/clusterrolebindings", json=body))[0] == 201


async def test_discovery_and_openapi_tell_of_it(both: Both) -> None:
    await both.register()
    _, listed = await both.front.call("GET", "/apis")
    names = [group["name"] for group in listed["groups"]]
    assert names[0] == "apiregistration.k8s.io"
    assert names.index("flowcontrol.apiserver.k8s.io") < names.index(GROUP)
    _, group = await both.front.call("GET", f"/apis/{GROUP}")
    assert group["preferredVersion"] == {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    _, resources = await both.front.call("GET", f"/apis/{GROUP}/{VERSION}")
    assert [row["name"] for row in resources["resources"]] == ["notes"]
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    _, everything = await both.front.call("GET", "/apis", headers=accept)
    (told,) = [each for each in everything["items"] if each["metadata"]["name"] == GROUP]
    (version,) = told["versions"]
    assert version["freshness"] == "Current"
    assert [(row["resource"], row["shortNames"]) for row in version["resources"]] == [("notes", ["nt"])]
    _, text = await both.front.call("GET", "/openapi/v3")
    entry = text["paths"][f"apis/{GROUP}/{VERSION}"]
    _, document = await both.front.call("GET", entry["serverRelativeURL"])
    assert NOTES.replace("default", "{namespace}") in document["paths"]


async def test_a_server_that_is_not_there_is_unavailable_until_it_is(
    front: Running, certificates: Path, another_cluster: Path
) -> None:
    async with server_behind(certificates, another_cluster) as behind:
        service = {"name": "agg", "namespace": "default", "port": behind.config.port}
        spec = {"caBundle": bundle(certificates), "group": GROUP, "service": service}
        await front.call("POST", SERVICES, json=api_service(spec))
        missing = await condition(front, GROUP, lambda found: found["status"] == "False")
        assert (missing["reason"], missing["message"]) == ("ServiceNotFound", 'service/agg in "default" is not present')
        async with front.session.get(front.config.url + NOTES) as refused:
            assert (refused.status, await refused.text()) == (503, "service unavailable\n")
            assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"
        path = "/api/v1/namespaces/default/services"
        await front.call("POST", path, json={"metadata": {"name": "agg"}, "spec": {"ports": [{"port": 80}]}})
        await condition(front, GROUP, lambda found: found["reason"] == "ServicePortError")
        patch = {"Content-Type": "application/merge-patch+json"}
        ports = json.dumps({"spec": {"ports": [{"port": behind.config.port}]}})
        await front.call("PATCH", f"{path}/agg", data=ports, headers=patch)
        await condition(front, GROUP, lambda found: found["reason"] == "EndpointsNotFound")
        await front.call("DELETE", f"{path}/agg")
        await external(front)
        await condition(front, GROUP, lambda found: found["reason"] == "Passed")
        assert (await front.call("GET", NOTES))[0] == 200
    _, text = await until(lambda: front.call("GET", NOTES), lambda found: found[0] == 503)
    assert text.startswith("error trying to reach service: dial tcp ")
    await front.call("DELETE", f"{SERVICES}/{VERSION}.{GROUP}")
    await until(lambda: front.call("GET", f"/apis/{GROUP}"), lambda found: found[0] == 404)


async def test_local_api_services_are_there_and_follow_the_custom_kinds(front: Running) -> None:
    _, apps = await until(lambda: front.call("GET", f"{SERVICES}/v1.apps"), lambda found: found[0] == 200)
    assert apps["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    assert apps["status"]["conditions"][0]["reason"] == "Local"
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await front.call("POST", definitions, json=CRD)
    path = f"{SERVICES}/{VERSION}.{GROUP}"
    _, custom = await until(lambda: front.call("GET", path), lambda found: found[0] == 200)
    assert (custom["spec"]["groupPriorityMinimum"], custom["spec"]["versionPriority"]) == (1000, 100)
    await front.call("DELETE", f"{definitions}/notes.{GROUP}")
    await until(lambda: front.call("GET", path), lambda found: found[0] == 404)
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    _, rows = await front.call("GET", SERVICES, headers=table)
    assert ["v1.apps", "Local", "True"] in [row["cells"][:3] for row in rows["rows"]]
    assert "v1.apiregistration.k8s.io" not in [row["cells"][0] for row in rows["rows"]]


async def test_streams_are_upgraded_through(front: Running, certificates: Path) -> None:
    async def echo(http: web.BaseRequest) -> web.StreamResponse:
        if "upgrade" not in http.headers.get("Connection", "").lower():
            return web.json_response({"kind": "APIResourceList", "resources": []})
        socket = web.WebSocketResponse()
        await socket.prepare(http)
        await socket.send_str(http.headers["X-Remote-User"])
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        return socket

    async with serving(certificates, echo, "agg.default.svc") as server:
        await register(front, server.port, GROUP, caBundle=bundle(certificates))
        await condition(front, GROUP, lambda found: found["status"] == "True")
        async with front.session.ws_connect(f"{front.config.url}/apis/{GROUP}/{VERSION}/stream?timeout=1s") as socket:
            assert await socket.receive_str() == "kubernetes-admin"
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=1.2)  # longer than a request may take
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello!"


async def test_a_body_and_its_answer_pass_as_they_are(front: Running, certificates: Path) -> None:
    seen: list[web.BaseRequest] = []

    async def handler(http: web.BaseRequest) -> web.StreamResponse:
        seen.append(http)
        return web.Response(status=202, body=(await http.read())[::-1], headers={"X-Own": "yes", "Content-Type": "a/b"})

    async with serving(certificates, handler, "agg.default.svc") as server:
        await register(front, server.port, GROUP, insecureSkipTLSVerify=True)
        await condition(front, GROUP, lambda found: found["status"] == "True")
        url = f"{front.config.url}/apis/{GROUP}/{VERSION}/things/a%2Fb?x=%20y"
        async with front.session.post(
            url, data=b"x" * 300_000 + b"end", headers={"Authorization": "Basic z"}
        ) as answer:
            assert (answer.status, answer.headers["X-Own"], answer.headers["Content-Type"]) == (202, "yes", "a/b")
            assert (await answer.read())[:4] == b"dnex"
    last = seen[-1]
    assert last.raw_path == f"/apis/{GROUP}/{VERSION}/things/a%2Fb?x=%20y"
    assert "Authorization" not in last.headers
    assert last.headers.getall("X-Remote-Group") == ["system:masters", "system:authenticated"]
    assert last.headers["X-Forwarded-Uri"] == f"/apis/{GROUP}/{VERSION}/things/a%2Fb"


async def test_what_vouches_for_users_is_told_and_nobody_else_may_vouch(front: Running, certificates: Path) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    _, found = await until(lambda: front.call("GET", path), lambda answer: answer[0] == 200)
    data = found["data"]
    assert data["client-ca-file"] == (certificates / "ca.crt").read_text()
    assert data["requestheader-client-ca-file"] == (certificates / "front-proxy-ca.crt").read_text()
    assert json.loads(data["requestheader-username-headers"]) == ["X-Remote-User"]
    assert json.loads(data["requestheader-allowed-names"]) == ["front-proxy-client"]
    pki.issue(certificates, pki.Leaf("front-proxy-other", "other", authority="front-proxy-ca"))
    who = {"X-Remote-User": "ann", "X-Remote-Group": "system:masters", "X-Remote-Extra-Scopes%2fa": "b"}
    assert await whoami(front, "front-proxy-client", who) == (
        201, {"username": "ann", "groups": ["system:masters", "system:authenticated"], "extra": {"scopes/a": ["b"]}},
    )  # fmt: skip
    assert (await whoami(front, "front-proxy-client", {}))[0] == 401
    assert (await whoami(front, "front-proxy-other", who))[0] == 401
    assert (await whoami(front, "admin", who))[1]["username"] == "kubernetes-admin"


async def whoami(front: Running, certificate: str, headers: dict[str, str]) -> tuple[int, Object]:
    connector = aiohttp.TCPConnector(ssl=client_tls(front.folder, certificate))
    async with aiohttp.ClientSession(connector=connector) as session:
        url = front.config.url + "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        async with session.post(url, json={}, headers=headers) as answer:
            found = await answer.json()
            return answer.status, (found.get("status") or {}).get("userInfo") if answer.status == 201 else {}


def test_two_authorities_of_one_name_cannot_be_told_apart(front: Running) -> None:
    with pytest.raises(ValueError, match="both named 'kubernetes'"):
        service._front_proxy(replace(front.config, requestheader_client_ca=front.config.client_ca))


async def test_kubectl_finds_explains_and_writes_what_another_server_serves(both: Both, tmp_path: Path) -> None:
    await both.register()
    note = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Note", "metadata": {"name": "a"}, "text": "hi"}
    (tmp_path / "note.json").write_text(json.dumps(note))
    assert "note.notes.example.com/a created" in await kubectl(both.front, tmp_path, "create", "-f", "note.json")
    assert "note.notes.example.com/a" in await kubectl(both.front, tmp_path, "get", "nt", "-o", "name")
    assert "text\t<string>" in await kubectl(both.front, tmp_path, "explain", "notes")
    rows = await kubectl(both.front, tmp_path, "get", "apiservices", f"{VERSION}.{GROUP}", "--no-headers")
    assert rows.split()[:3] == [f"{VERSION}.{GROUP}", "default/agg", "True"]
    assert "serverside-applied" in await kubectl(
        both.front, tmp_path, "apply", "--server-side", "--force-conflicts", "-f", "note.json"
    )


async def kubectl(front: Running, folder: Path, *words: str) -> str:
    key, certificate = front.folder / "admin.key", front.folder / "admin.crt"
    who = [f"--client-key={key}", f"--client-certificate={certificate}", f"--cache-dir={folder}/cache"]
    where = [f"--server={front.config.url}", f"--certificate-authority={front.folder / 'ca.crt'}"]
    running = await asyncio.create_subprocess_exec(
        KUBECTL, *where, *who, *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"HOME": str(folder)},
    )  # fmt: skip
    output, _ = await running.communicate()
    assert running.returncode == 0, output.decode()
    return output.decode()
