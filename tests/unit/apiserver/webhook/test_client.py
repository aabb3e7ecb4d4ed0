"""The client of webhooks against real HTTPS servers, and its words when there is none."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from apiserver.lister import MemoryLister
from apiserver.webhook.client import CallFailed, WebhookClient
from apiserver.webhook.serviceresolver import ENDPOINTS, PODS, SERVICES, SLICES
from tests.unit.apiserver.https import bundle, serving

Object = dict[str, Any]
SERVICE = {"name": "hook", "namespace": "default", "path": "/admit", "port": 8443}
SHOWN = "https://hook.default.svc:8443/admit?timeout=2s"


@pytest.fixture
def lister() -> MemoryLister:
    return MemoryLister()


@pytest.fixture
async def client(lister: MemoryLister) -> AsyncIterator[WebhookClient]:
    made = WebhookClient(lister)
    yield made
    await made.close()


async def echo(request: web.Request) -> web.StreamResponse:
    return web.json_response({"path": request.path_qs, "host": request.host, "body": await request.json()})


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def service(lister: MemoryLister, **spec: Any) -> None:
    meta = {"name": "hook", "namespace": "default"}
    lister.put(SERVICES, {"metadata": meta, "spec": {"ports": [{"name": "https", "port": 8443}], **spec}})


def slices(lister: MemoryLister, port: int, ready: bool = True, name: str = "https") -> None:
    meta = {"name": "hook-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "hook"}}
    endpoint = {"addresses": ["127.0.0.1"], "conditions": {"ready": ready}}
    lister.put(SLICES, {"metadata": meta, "ports": [{"name": name, "port": port}], "endpoints": [endpoint]})


async def refused(client: WebhookClient, config: Object, seconds: int = 2) -> str:
    with pytest.raises(CallFailed) as caught:
        await client.call(config, {"a": 1}, seconds)
    return str(caught.value)


async def test_a_webhook_at_a_url_is_sent_the_body_and_told_the_timeout(
    client: WebhookClient, certificates: Path
) -> None:
    async with serving(certificates, echo) as server:
        config = {"url": f"{server.url}/a/b", "caBundle": bundle(certificates)}
        found = await client.call(config, {"kind": "Review"}, 10)
    assert found == {"path": "/a/b?timeout=10s", "host": f"127.0.0.1:{server.port}", "body": {"kind": "Review"}}


async def test_a_service_is_dialled_at_its_endpoints_and_verified_by_its_own_name(
    client: WebhookClient, lister: MemoryLister, certificates: Path
) -> None:
    async with serving(certificates, echo, "hook.default.svc") as server:
        service(lister)
        slices(lister, server.port)
        found = await client.call({"service": SERVICE, "caBundle": bundle(certificates)}, {}, 2)
    assert (found["path"], found["host"]) == ("/admit?timeout=2s", "hook.default.svc:8443")


async def test_a_service_without_slices_is_found_by_endpoints_or_by_its_ready_pods(
    client: WebhookClient, lister: MemoryLister, certificates: Path
) -> None:
    meta = {"name": "hook", "namespace": "default"}
    config = {"service": SERVICE, "caBundle": bundle(certificates)}
    async with serving(certificates, echo, "hook.default.svc") as server:
        service(lister, selector={"app": "hook"}, ports=[{"name": "https", "port": 8443, "targetPort": "tls"}])
        lister.put(PODS, pod(server.port, ready=True))
        assert await client.call(config, {})
        lister.put(PODS, pod(server.port, ready=False))
        assert "no endpoints available" in await refused(client, config)
        subset = {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "https", "port": server.port}]}
        lister.put(ENDPOINTS, {"metadata": meta, "subsets": [subset]})
        assert await client.call(config, {})


def pod(port: int, ready: bool) -> Object:
    return {
        "metadata": {"name": "hook-0", "namespace": "default", "labels": {"app": "hook"}},
        "spec": {"containers": [{"name": "c", "ports": [{"name": "tls", "containerPort": port}]}]},
        "status": {"podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


async def test_a_service_that_leads_nowhere_says_which_step_is_missing(
    client: WebhookClient, lister: MemoryLister
) -> None:
    config: Object = {"service": SERVICE}
    assert await refused(client, config) == f'Post "{SHOWN}": service "hook" not found'
    service(lister, ports=[{"port": 80}])
    assert await refused(client, config) == f'Post "{SHOWN}": no service port 8443 found for service "hook"'
    service(lister)
    assert await refused(client, config) == f'Post "{SHOWN}": no endpoints available for service "hook"'
    slices(lister, 1, ready=False)
    assert await refused(client, config) == f'Post "{SHOWN}": no endpoints available for service "hook"'
    slices(lister, 1, name="other")
    assert await refused(client, config) == f'Post "{SHOWN}": no endpoints available for service "hook"'
    slices(lister, port := closed_port())
    words = f'Post "{SHOWN}": dial tcp 127.0.0.1:{port}: connect: connection refused'
    assert await refused(client, config) == words


async def test_certificates_are_held_against_the_bundle_and_the_name(
    client: WebhookClient, lister: MemoryLister, certificates: Path
) -> None:
    service(lister)
    async with serving(certificates, echo) as server:
        slices(lister, server.port)
        unknown = await refused(client, {"service": SERVICE, "caBundle": bundle(certificates, "etcd-ca")})
        assert unknown.endswith("tls: failed to verify certificate: x509: certificate signed by unknown authority")
        unknown = await refused(client, {"service": SERVICE})
        assert unknown.endswith("x509: certificate signed by unknown authority")
        other = await refused(client, {"service": SERVICE, "caBundle": bundle(certificates)})
        assert other.endswith("tls: failed to verify certificate: x509: certificate is not valid for hook.default.svc")
        wrong = await refused(client, {"service": SERVICE, "caBundle": "bm9uZQ=="})
        assert "unable to parse bytes as PEM block" in wrong


async def test_a_webhook_that_takes_too_long_is_a_deadline_exceeded(client: WebhookClient, certificates: Path) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    async with serving(certificates, slow) as server:
        config = {"url": f"{server.url}/x", "caBundle": bundle(certificates)}
        assert await refused(client, config, 1) == f'Post "{server.url}/x?timeout=1s": context deadline exceeded'


async def test_a_server_without_tls_or_without_an_answer_is_told_so(client: WebhookClient, certificates: Path) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with serving(certificates, hang_up) as server:
        config = {"url": server.url, "caBundle": bundle(certificates)}
        assert re.search(r": (EOF|read: connection reset by peer)$", await refused(client, config))
    plain = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with plain:
        port = plain.sockets[0].getsockname()[1]
        words = await refused(client, {"url": f"https://127.0.0.1:{port}"})
        assert words.endswith("tls: first record does not look like a TLS handshake")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.Response, "0-length response with status code: 200 and content type: "),
        (
            lambda: web.Response(text="oops"),
            "couldn't get version/kind; json parse error: invalid character 'o' looking for beginning of value",
        ),
        (lambda: web.Response(status=404, text="no"), "the server could not find the requested resource"),
        (
            lambda: web.Response(status=500, text="boom\n"),
            'an error on the server ("boom") has prevented the request from succeeding',
        ),
        (
            lambda: web.Response(status=502, body=b"x"),
            'an error on the server ("unknown") has prevented the request from succeeding',
        ),
        (lambda: web.json_response({"kind": "Status", "message": "go away"}, status=403), "go away"),
        (
            lambda: web.Response(status=302, headers={"Location": "/"}),
            "the server responded with the status code 302 but did not return further information",
        ),
    ],
)
async def test_an_answer_that_is_none_says_what_it_was(
    client: WebhookClient, certificates: Path, answer: Any, words: str
) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return answer()  # type: ignore[no-any-return]

    async with serving(certificates, handler) as server:
        assert await refused(client, {"url": server.url, "caBundle": bundle(certificates)}) == words


async def test_connections_are_kept_and_one_that_went_stale_is_made_anew(
    client: WebhookClient, certificates: Path
) -> None:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        seen.append(request.transport)
        if len(seen) == 2:
            request.transport.abort()
        return web.json_response({"count": len(seen)})

    async with serving(certificates, handler) as server:
        config = {"url": server.url, "caBundle": bundle(certificates)}
        assert await client.call(config, {}) == {"count": 1}
        assert await client.call(config, {}) == {"count": 3}
        assert await client.call(config, {}) == {"count": 4}
    assert seen[1] is seen[0]
    assert seen[3] is seen[2] is not seen[1]
