"""What an EncryptionConfiguration may say."""

import base64
from typing import Any

import pytest

from apiserver.encryption.configuration import ConfigurationError, read
from podling.api.errors import GroupResource


def secret(size: int = 32) -> str:
    return base64.b64encode(b"s" * size).decode()


def config(*rules: dict[str, Any]) -> dict[str, Any]:
    envelope = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return {**envelope, "resources": list(rules)}


def rule(*resources: str, **provider: Any) -> dict[str, Any]:
    given = provider or {"aesgcm": {"keys": [{"name": "a", "secret": secret()}]}}
    return {"resources": list(resources) or ["secrets"], "providers": [given]}


@pytest.mark.parametrize(
    ("texts", "resource", "does"),
    [
        (["secrets"], ("", "secrets"), True),
        (["secrets"], ("apps", "secrets"), False),
        (["deployments.apps"], ("apps", "deployments"), True),
        (["*.apps"], ("apps", "deployments"), True),
        (["*."], ("", "configmaps"), True),
        (["*."], ("apps", "deployments"), False),
        (["*.*"], ("stable.example.com", "crontabs"), True),
    ],
)
def test_resources_are_named_or_meant_by_stars(texts: list[str], resource: tuple[str, str], does: bool) -> None:
    assert read(config(rule(*texts)))[0].means(GroupResource(*resource)) == does


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "it is to be of kind EncryptionConfiguration"),
        (config(), "resources: Required value: at least one resources is required"),
        (config({"resources": ["secrets"]}), "resources[0].providers: Required value: at least one"),
        (config(rule("*")), "use '*.' to encrypt all the resources from core API group"),
        (config(rule("secrets", "*.")), "will be masked"),
        (config(rule("secrets", "secrets")), "the same resource cannot be specified multiple times"),
        (config(rule("Secrets")), "resource name should not contain capital letters"),
        (config(rule("pods.*")), "encrypting the same resource across groups is not supported"),
        (config(rule("*.events.k8s.io")), "Use 'events' instead in the config file"),
        (config(rule(aesgcm={"keys": []})), "resources[0].providers[0].aesgcm.keys: Required value: at least one keys"),
        (
            config(rule(secretbox={"keys": [{"name": "a", "secret": secret(16)}]})),
            'secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 16, '
            "expected one of [32]",
        ),
        (config(rule(aescbc={"keys": [{"name": "a", "secret": "??"}]})), "secrets must be base64 encoded"),
        (config(rule(aescbc={"keys": [{"secret": secret()}]})), "name is a mandatory field for a key"),
        (config(rule(identity={}, aesgcm={})), "more than one provider specified in a single element"),
        (config(rule(kms={"name": "a"})), "podling speaks to no KMS plugin"),
    ],
)
def test_what_makes_no_sense_is_refused_in_kubernetes_words(body: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(body)
    assert words in str(refused.value)
    assert secret(16) not in str(refused.value)
