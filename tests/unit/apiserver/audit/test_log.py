"""The audit log of a server: what its requests leave in it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from apiserver.audit.auditor import Log
from apiserver.authn.authenticator import AUTHENTICATED
from podling.client.grpc import GrpcClient, dial
from podling.client.resource import CONFIG_MAPS
from tests.unit.apiserver.door import Door, door

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")  # one server for all

MAPS = "/api/v1/namespaces/default/configmaps"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "nonResourceURLs": ["/readyz*"]},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "Metadata", "resources": [{"resources": ["secrets"]}]},
        {"level": "Request", "verbs": ["patch"]},
        {"level": "RequestResponse", "verbs": ["create", "update"], "omitStages": ["RequestReceived"],
         "omitManagedFields": True},
        {"level": "Metadata"},
    ],
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    folder = tmp_path_factory.mktemp("audited")
    policy = folder / "policy.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    async with door(folder, audit_policy_file=policy, audit_log_path=str(folder / "audit.log")) as made:
        yield made


def events(server: Door, audit_id: str = "") -> list[dict[str, Any]]:
    lines = (server.folder / "audit.log").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [event for event in found if not audit_id or event["auditID"] == audit_id]


@ONE_LOOP
async def test_a_create_is_told_with_what_was_sent_and_answered(server: Door) -> None:
    body = {"metadata": {"name": "a"}, "data": {"k": "v"}}
    answer = await server.call("POST", MAPS, json=body, headers={"User-Agent": "tester"})
    (event,) = events(server, answer.headers["Audit-Id"])
    assert event.pop("requestReceivedTimestamp") <= event.pop("stageTimestamp")
    expected = answer.body
    del expected["metadata"]["managedFields"]
    reason = event["annotations"].pop("authorization.k8s.io/reason")
    assert reason == ""
    (credential,) = event["user"].pop("extra")["authentication.kubernetes.io/credential-id"]
    assert credential.startswith("X509SHA256=")
    assert event == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": answer.headers["Audit-Id"],
        "stage": "ResponseComplete",
        "requestURI": MAPS,
        "verb": "create",
        "user": {"username": "kubernetes-admin", "groups": ["system:masters", AUTHENTICATED]},
        "sourceIPs": ["127.0.0.1"],
        "userAgent": "tester",
        "objectRef": {"resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": body,
        "responseObject": expected,
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }


@ONE_LOOP
async def test_both_stages_of_a_get_and_the_id_that_the_client_gave(server: Door) -> None:
    await server.call("GET", f"{MAPS}/nothing", headers={"Audit-ID": "mine"})
    first, last = events(server, "mine")
    assert (first["stage"], last["stage"]) == ("RequestReceived", "ResponseComplete")
    assert "responseStatus" not in first
    assert last["responseStatus"] == {
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "nothing" not found',
        "reason": "NotFound",
        "details": {"name": "nothing", "kind": "configmaps"},
        "code": 404,
    }


@ONE_LOOP
async def test_a_secret_is_told_without_what_it_says(server: Door) -> None:
    secrets = "/api/v1/namespaces/default/secrets"
    answer = await server.call("POST", secrets, json={"metadata": {"name": "s"}, "stringData": {"k": "hush-hush"}})
    told = events(server, answer.headers["Audit-Id"])
    assert [event["stage"] for event in told] == ["RequestReceived", "ResponseComplete"]
    assert "hush-hush" not in (server.folder / "audit.log").read_text()


@ONE_LOOP
async def test_a_patch_is_told_as_sent_at_the_level_request(server: Door) -> None:
    await server.call("POST", MAPS, json={"metadata": {"name": "a"}})
    patch = {"data": {"k": "v"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = await server.call("PATCH", f"{MAPS}/a", data=json.dumps(patch), headers=headers)
    event = events(server, answer.headers["Audit-Id"])[-1]
    assert event["requestObject"] == patch
    assert "responseObject" not in event


@ONE_LOOP
async def test_a_watch_has_begun_before_it_is_complete(server: Door) -> None:
    answer = await server.call("GET", f"{MAPS}?watch=1&timeoutSeconds=1")
    stages = [event["stage"] for event in events(server, answer.headers["Audit-Id"])]
    assert stages == ["RequestReceived", "ResponseStarted", "ResponseComplete"]


@ONE_LOOP
async def test_who_may_not_and_who_is_nobody_are_told_so(server: Door) -> None:
    answer = await server.call("GET", MAPS, token="-")
    event = events(server, answer.headers["Audit-Id"])[-1]
    assert event["annotations"] == {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""}
    assert event["user"]["username"] == "system:anonymous"
    answer = await server.call("GET", MAPS, token="wrong")
    event = events(server, answer.headers["Audit-Id"])[-1]
    assert (event["stage"], event["responseStatus"]["code"]) == ("ResponseStarted", 401)
    assert event["responseStatus"]["message"] == "Authentication failed, attempted: bearer"


@ONE_LOOP
async def test_who_is_impersonated_and_what_pod_security_found_stand_beside(server: Door) -> None:
    labels = {"pod-security.kubernetes.io/audit": "restricted"}
    await server.call("POST", "/api/v1/namespaces", json={"metadata": {"name": "watched", "labels": labels}})
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "busybox"}]}}
    headers = {"Impersonate-User": "bob", "Impersonate-Group": "system:masters"}
    answer = await server.call("POST", "/api/v1/namespaces/watched/pods?dryRun=All", json=pod, headers=headers)
    event = events(server, answer.headers["Audit-Id"])[-1]
    assert event["impersonatedUser"]["username"] == "bob"
    assert event["user"]["username"] == "kubernetes-admin"
    if answer.status == 201:
        assert event["annotations"]["pod-security.kubernetes.io/enforce-policy"] == "privileged:latest"
        audited = event["annotations"]["pod-security.kubernetes.io/audit-violations"]
        assert audited.startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false')


@ONE_LOOP
async def test_what_comes_by_grpc_is_told_by_the_same_address(server: Door) -> None:
    ca, certificate, key = ((server.folder / file).read_bytes() for file in ("ca.crt", "admin.crt", "admin.key"))
    client = GrpcClient(dial(f"127.0.0.1:{server.config.grpc_port}", ca, certificate, key), "tester")
    await client.create(CONFIG_MAPS, {"metadata": {"name": "by-grpc"}}, "default")
    await client.close()
    event = next(event for event in events(server) if event.get("objectRef", {}).get("name") == "by-grpc")
    assert (event["requestURI"], event["responseStatus"]["code"]) == (MAPS, 201)
    assert event["requestObject"] == {"metadata": {"name": "by-grpc"}}


def test_a_log_that_has_grown_is_set_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "audit.log"), megabytes=1, most_files=2)
    for at in range(50):
        log.write({"at": at, "filler": "x" * 100_000})
    log.close()
    aside = sorted(tmp_path.glob("audit-*.log"))
    assert len(aside) == 2
    newest = json.loads((tmp_path / "audit.log").read_text().splitlines()[-1])
    assert newest["at"] == 49
    assert all(file.stat().st_size <= 1_000_000 for file in aside)
