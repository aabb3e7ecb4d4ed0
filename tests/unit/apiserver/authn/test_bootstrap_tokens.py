"""Bootstrap tokens: secrets that are users for a while."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apiserver.authn.bootstraptoken import SECRETS, find
from apiserver.lister import MemoryLister
from apiserver.request import User
from tests.unit.apiserver.door import door

TOKEN = "abcdef.0123456789abcdef"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def secret(**changes: str) -> dict[str, Any]:
    data = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "expiration": "2026-11-22T12:00:01Z",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token, system:bootstrappers:a",
        **{key.replace("_", "-"): value for key, value in changes.items()},
    }
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}
    return {"metadata": metadata, "type": "bootstrap.kubernetes.io/token", "data": encoded}


def test_a_token_is_a_user_with_the_groups_of_its_secret() -> None:
    found = find(MemoryLister([(SECRETS, secret())]), TOKEN, lambda: NOW)
    groups = ("system:bootstrappers", "system:bootstrappers:a", "system:bootstrappers:kubeadm:default-node-token")
    assert found == User("system:bootstrap:abcdef", groups)


@pytest.mark.parametrize(
    ("changes", "token"),
    [
        ({}, "abcdef.0123456789abcdeX"),
        ({}, "abcdef.0123456789abcdee"),
        ({}, "ghijkl.0123456789abcdef"),
        ({"expiration": "2026-11-22T12:00:00Z"}, TOKEN),
        ({"expiration": "some day"}, TOKEN),
        ({"usage_bootstrap_authentication": "True"}, TOKEN),
        ({"token_id": "abcdee"}, TOKEN),
        ({"auth_extra_groups": "system:masters"}, TOKEN),
        ({"type": "Opaque"}, TOKEN),
        ({"deleted": "yes"}, TOKEN),
    ],
)
def test_nobody_is_known_by_what_is_not_quite_one(changes: dict[str, str], token: str) -> None:
    kept = secret(**{key: value for key, value in changes.items() if key not in ("type", "deleted")})
    kept["type"] = changes.get("type", kept["type"])
    if "deleted" in changes:
        kept["metadata"]["deletionTimestamp"] = "2026-11-22T11:00:00Z"
    assert find(MemoryLister([(SECRETS, kept)]), token, lambda: NOW) is None


async def test_a_token_opens_the_door_and_is_reviewed_until_its_secret_goes(tmp_path: Path) -> None:
    async with door(tmp_path) as server:
        body = secret(expiration="2999-01-01T00:00:00Z")
        secrets = "/api/v1/namespaces/kube-system/secrets"
        assert (await server.call("POST", secrets, json=body)).status == 201
        me = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        who = await server.call("POST", me, token=TOKEN, json={})
        assert who.body["status"]["userInfo"] == {
            "username": "system:bootstrap:abcdef",
            "groups": [
                *("system:bootstrappers", "system:bootstrappers:a"),
                *("system:bootstrappers:kubeadm:default-node-token", "system:authenticated"),
            ],
        }
        review = {"spec": {"token": TOKEN}}
        told = await server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", json=review)
        assert told.body["status"]["user"]["username"] == "system:bootstrap:abcdef"
        await server.call("DELETE", f"{secrets}/bootstrap-token-abcdef")
        assert (await server.call("POST", me, token=TOKEN, json={})).status == 401
