"""Requests for certificates on their way, over a real API server: asked, approved, signed, cleaned away."""

import asyncio
import base64
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from controllers import certificate_approval, certificate_cleanup, certificate_signing
from controllers.controller import Context
from podling import pki
from podling.api.certificate_request import CLIENT, KUBELET_CLIENT, parse
from podling.client.grpc import GrpcClient, dial
from podling.client.informers import Informers
from podling.client.resource import CERTIFICATE_SIGNING_REQUESTS
from podling.loop.clock import RealClock
from podling.signing import sign
from tests.unit.apiserver.running import Running, certificates, server
from tests.unit.certificate_requests import KEY, request

__all__ = ["certificates", "server"]
PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT_USAGES = ["digital signature", "client auth"]
NODE = {"Impersonate-User": "system:node:n7", "Impersonate-Group": "system:nodes"}


@pytest.fixture
async def controlled(server: Running, certificates: Path) -> AsyncIterator[Running]:
    """With the three controllers."""
    tls = [(certificates / f"{name}").read_bytes() for name in ("ca.crt", "admin.crt", "admin.key")]
    client = GrpcClient(dial(f"127.0.0.1:{server.config.grpc_port}", *tls))

    async def run() -> None:
        async with Informers(client) as informers, asyncio.TaskGroup() as group:
            context = Context(client, informers, RealClock(), "", pki.authority(certificates))
            for module in (certificate_approval, certificate_signing, certificate_cleanup):
                group.create_task(module.control(context))

    task = asyncio.create_task(run())
    yield server
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await client.close()


async def ask(server: Running, name: str, signer: str, asked: str, headers: Any = None, **spec: Any) -> Any:
    body = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": asked, "signerName": signer, "usages": CLIENT_USAGES, **spec},
    }
    status, made = await server.call("POST", PATH, json=body, headers=headers or {})
    assert status == 201, made
    return made


async def approve(server: Running, name: str) -> None:
    patch = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]}}
    headers = {"Content-Type": "application/merge-patch+json"}
    status, found = await server.call("PATCH", f"{PATH}/{name}/approval", json=patch, headers=headers)
    assert status == 200, found


async def until(server: Running, name: str, part: str) -> Any:
    """Its status, once it has that part."""
    async with asyncio.timeout(60):
        while True:
            _, found = await server.call("GET", f"{PATH}/{name}")
            if part in found["status"] or part in {each["type"] for each in found["status"].get("conditions", ())}:
                return found["status"]
            await asyncio.sleep(0.02)


async def test_an_approved_request_gets_a_certificate_of_the_cluster(controlled: Running, certificates: Path) -> None:
    await ask(controlled, "ann", CLIENT, request("ann", ("dev",)), expirationSeconds=3600)
    await approve(controlled, "ann")
    status = await until(controlled, "ann", "certificate")
    made = x509.load_pem_x509_certificate(base64.b64decode(status["certificate"]))
    authority = pki.authority(certificates)
    assert authority
    made.verify_directly_issued_by(authority.certificate)
    assert made.subject.rfc4514_string() == "CN=ann,O=dev"
    assert made.not_valid_after_utc - datetime.now(UTC) < timedelta(hours=1)
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


async def test_the_api_server_knows_its_owner(controlled: Running, certificates: Path, tmp_path: Path) -> None:
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "ann.key").write_bytes(KEY.private_bytes(*plain))
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    url = f"{controlled.config.url}/apis/authentication.k8s.io/v1/selfsubjectreviews"
    for name, usages in (("bare", ["client auth"]), ("full", [*CLIENT_USAGES, "key encipherment"])):
        await ask(controlled, name, CLIENT, request("ann", ("dev",)), usages=usages)
        await approve(controlled, name)
        status = await until(controlled, name, "certificate")
        (tmp_path / "ann.crt").write_bytes(base64.b64decode(status["certificate"]))
        tls = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        tls.load_cert_chain(tmp_path / "ann.crt", tmp_path / "ann.key")
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
            session.post(url, json=body) as response,
        ):
            user = (await response.json())["status"]["userInfo"]
        assert (user["username"], user["groups"]) == ("ann", ["dev", "system:authenticated"])


async def test_who_asks_for_too_much_is_told_and_gets_nothing(controlled: Running) -> None:
    await ask(controlled, "much", CLIENT, request("ann"), usages=["client auth", "server auth"])
    await approve(controlled, "much")
    status = await until(controlled, "much", "Failed")
    failed = next(each for each in status["conditions"] if each["type"] == "Failed")
    assert (failed["reason"], failed["message"]) == (
        "SignerValidationFailure",
        "invalid usage for client certificate: server auth",
    )
    assert "certificate" not in status


async def test_a_kubelet_that_may_is_approved_and_another_waits(
    controlled: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = request("system:node:n7", ("system:nodes",))
    await ask(controlled, "masters", KUBELET_CLIENT, asked)
    assert "certificate" in await until(controlled, "masters", "certificate")
    await ask(controlled, "node", KUBELET_CLIENT, asked, NODE)
    _, found = await controlled.call("GET", f"{PATH}/node")
    assert found["spec"]["username"] == "system:node:n7"
    async with asyncio.timeout(60):
        while True:
            if "may not have it request=node tried=selfnodeclient,nodeclient" in caplog.text:
                break
            await asyncio.sleep(0.02)
    grant = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "renew"},
        "subjects": [{"kind": "Group", "name": "system:nodes", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        },
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert (await controlled.call("POST", path, json=grant))[0] == 201
    await ask(controlled, "renewed", KUBELET_CLIENT, asked, NODE)
    status = await until(controlled, "renewed", "certificate")
    [approved] = status["conditions"]
    assert (approved["reason"], approved["message"]) == (
        "AutoApproved",
        "Auto approving self kubelet client certificate after SubjectAccessReview.",
    )
    _, waiting = await controlled.call("GET", f"{PATH}/node")
    assert waiting["status"] == {}


def _request(minutes: int, certificate: str = "", **conditions: int) -> Any:
    """Made so many minutes after the epoch, with conditions of so many minutes."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    said = [SimpleNamespace(type=kind, lastUpdateTime=at + timedelta(minutes=m)) for kind, m in conditions.items()]
    meta = SimpleNamespace(creationTimestamp=at + timedelta(minutes=minutes))
    return SimpleNamespace(metadata=meta, status=SimpleNamespace(conditions=said, certificate=certificate))


@pytest.mark.parametrize(
    ("found", "minutes"),
    [
        (_request(0), 24 * 60),
        (_request(0, Denied=5), 65),
        (_request(0, Approved=5), None),
        (_request(0, Approved=5, Failed=7), 67),
    ],
)
def test_when_a_request_goes(found: Any, minutes: int | None) -> None:
    expected = None if minutes is None else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    assert certificate_cleanup.goes_at(found) == expected


def test_an_issued_request_goes_after_an_hour_or_with_its_certificate(certificates: Path) -> None:
    authority = pki.authority(certificates)
    assert authority
    now = datetime.now(UTC)
    for life, left in ((timedelta(minutes=10), 10), (timedelta(days=3), 60)):
        issued = sign(authority, parse(request("ann")), CLIENT_USAGES, now, life)
        found = _request(0, base64.b64encode(issued).decode(), Approved=0)
        found.status.conditions[0].lastUpdateTime = now
        ends = certificate_cleanup.goes_at(found)
        assert ends is not None and round((ends - now).total_seconds() / 60) == left


async def test_what_is_due_is_deleted(bench: Any) -> None:
    old = {"metadata": {"name": "old", "creationTimestamp": "2025-12-30T23:59:00Z"}, "spec": {}, "status": {}}
    young = {"metadata": {"name": "young", "creationTimestamp": "2025-12-31T23:00:00Z"}, "spec": {}, "status": {}}
    for each in (old, young):
        spec = {"request": "", "signerName": CLIENT}
        bench.client.add(CERTIFICATE_SIGNING_REQUESTS, {**each, "spec": spec})
    await bench.start(certificate_cleanup.control)
    await bench.wait()
    assert bench.names("certificatesigningrequests") == ["young"]
    await bench.wait(24 * 3600)
    assert bench.names("certificatesigningrequests") == []
