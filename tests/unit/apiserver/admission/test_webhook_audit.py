"""What webhooks leave in the audit log."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.apiserver.admission.conftest import Webhooks, patch
from tests.unit.apiserver.running import Running, running

Object = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [{"level": "Metadata", "resources": [{"resources": ["secrets"]}]}, {"level": "Request"}],
}


@pytest.fixture
async def server(certificates: Path, tmp_path: Path) -> AsyncIterator[Running]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    async with running(certificates, audit_policy_file=policy, audit_log_path=str(tmp_path / "audit.log")) as made:
        yield made


def annotations(folder: Path, path: str) -> Object:
    lines = [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]
    told = [each for each in lines if each["stage"] == "ResponseComplete" and each["verb"] == "create"]
    (event,) = [each for each in told if each["requestURI"] == path]
    return {key: text for key, text in event["annotations"].items() if "authorization" not in key}


async def test_who_changed_what_is_told_the_patch_only_where_bodies_are(webhooks: Webhooks, tmp_path: Path) -> None:
    rule = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["*"], "resources": ["configmaps", "secrets"]}
    await webhooks.configure("mutating", "m", {"name": "a.example.com", "rules": [rule]})
    await webhooks.configure("validating", "v", {"name": "b.example.com", "rules": [rule], "failurePolicy": "Ignore"})
    change = {"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}
    webhooks.answers["/a"] = lambda request: {**patch(change)(request), "auditAnnotations": {"why": "fun"}}
    webhooks.answers["/b"] = lambda request: {"uid": "wrong", "allowed": True}
    for path in (MAPS, SECRETS):
        assert (await webhooks.call("POST", path, {"metadata": {"name": "a"}}))[0] == 201
    head = {"configuration": "m", "webhook": "a.example.com"}
    told = {
        "a.example.com/why": "fun",
        "mutation.webhook.admission.k8s.io/round_0_index_0": {**head, "mutated": True},
        "failed-open.validating.webhook.admission.k8s.io/round_0_index_0": "b.example.com",
    }
    assert parsed(annotations(tmp_path, SECRETS)) == told
    patched = {"patch.webhook.admission.k8s.io/round_0_index_0": {**head, "patch": [change], "patchType": "JSONPatch"}}
    assert parsed(annotations(tmp_path, MAPS)) == told | patched


def parsed(found: Object) -> Object:
    return {key: json.loads(text) if text.startswith("{") else text for key, text in found.items()}
