"""A server whose store keeps secrets sealed: what stands in the store, what clients see, how keys are changed."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from apiserver.encryption.configuration import ConfigurationError
from podling.storage import Change
from tests.unit.apiserver.door import Door, door
from tests.unit.apiserver.memory import MemoryStorage

SECRETS = "/api/v1/namespaces/default/secrets"
WORD = "hush-hush-nobody-knows"


def key(name: str) -> dict[str, str]:
    return {"name": name, "secret": base64.b64encode((name * 32)[:32].encode()).decode()}


def config(folder: Path, *providers: dict[str, Any], resources: tuple[str, ...] = ("secrets",)) -> Path:
    file = folder / "encryption.yaml"
    rules = [{"resources": list(resources), "providers": list(providers)}]
    body = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": rules}
    file.write_text(yaml.safe_dump(body))
    return file


def gcm(*names: str) -> dict[str, Any]:
    return {"aesgcm": {"keys": [key(name) for name in names]}}


def kept(storage: MemoryStorage, key: str) -> bytes:
    """The value as the store has it now."""
    return next(
        event.kv.value
        for event in reversed(storage.events)
        if event.kv.key == key.encode() and event.change is Change.PUT
    )


async def make(server: Door, path: str = SECRETS, name: str = "a", **parts: Any) -> Any:
    answer = await server.call("POST", path, json={"metadata": {"name": name}, **parts})
    assert answer.status == 201, answer.text
    return answer.body


async def test_the_store_holds_ciphertext_and_clients_see_what_they_wrote(tmp_path: Path) -> None:
    async with door(tmp_path, encryption_provider_config=config(tmp_path, gcm("key1"))) as server:
        made = await make(server, stringData={"word": WORD})
        assert kept(server.storage, "/registry/secrets/default/a").startswith(b"k8s:enc:aesgcm:v1:key1:")
        plain = base64.b64encode(WORD.encode())
        secrets = [event.kv.value for event in server.storage.events if event.kv.key.startswith(b"/registry/secrets/")]
        assert secrets
        assert not any(plain in value or WORD.encode() in value for value in secrets)
        assert (await server.call("GET", f"{SECRETS}/a")).body == made
        version = int(made["metadata"]["resourceVersion"]) - 1
        watched = await server.call("GET", f"{SECRETS}?watch=1&timeoutSeconds=1&resourceVersion={version}")
        assert plain.decode() in watched.text
        await make(server, "/api/v1/namespaces/default/configmaps", data={"word": WORD})
        assert WORD.encode() in kept(server.storage, "/registry/configmaps/default/a")


async def test_all_kinds_with_two_stars_also_those_whose_keys_are_special(tmp_path: Path) -> None:
    file = config(tmp_path, {"secretbox": {"keys": [key("box")]}}, resources=("*.*",))
    async with door(tmp_path, encryption_provider_config=file) as server:
        ports = [{"port": 80}]
        await make(server, "/api/v1/namespaces/default/services", spec={"ports": ports, "clusterIP": "None"})
        objects = [event.kv for event in server.storage.events if event.kv.key.startswith(b"/registry/")]
        assert any(kv.key == b"/registry/services/specs/default/a" for kv in objects)
        assert all(kv.value.startswith(b"k8s:enc:secretbox:v1:box:") for kv in objects if kv.value)


async def test_keys_are_changed_by_writing_every_secret_again(tmp_path: Path) -> None:
    storage = MemoryStorage()
    async with door(tmp_path, storage, encryption_provider_config=config(tmp_path, {"identity": {}})) as server:
        await make(server, stringData={"word": WORD})
    for providers, prefix in (
        ([gcm("one"), {"identity": {}}], b"k8s:enc:aesgcm:v1:one:"),
        ([gcm("two", "one")], b"k8s:enc:aesgcm:v1:two:"),
        ([{"aescbc": {"keys": [key("cbc")]}}, gcm("two")], b"k8s:enc:aescbc:v1:cbc:"),
    ):
        async with door(tmp_path, storage, encryption_provider_config=config(tmp_path, *providers)) as server:
            before = kept(storage, "/registry/secrets/default/a")
            found = (await server.call("GET", f"{SECRETS}/a")).body
            assert base64.b64decode(found["data"]["word"]).decode() == WORD
            assert kept(storage, "/registry/secrets/default/a") == before  # reading changes nothing
            again = await server.call("PUT", f"{SECRETS}/a", json=found)
            assert again.body["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]
            assert kept(storage, "/registry/secrets/default/a").startswith(prefix)
            third = await server.call("PUT", f"{SECRETS}/a", json=again.body)
            assert third.body == again.body  # nothing to do any more


async def test_a_value_that_cannot_be_opened_is_told_and_the_others_are_served(tmp_path: Path) -> None:
    storage = MemoryStorage()
    async with door(tmp_path, storage, encryption_provider_config=config(tmp_path, gcm("one"))) as server:
        await make(server, stringData={"word": WORD})
    file = config(tmp_path, gcm("two"), {"identity": {}})
    async with door(tmp_path, storage, encryption_provider_config=file) as server:
        why = "no matching key was found for the provided AES transformer"
        answer = await server.call("GET", f"{SECRETS}/a")
        assert (answer.status, answer.body["message"]) == (500, f"Internal error occurred: {why}")
        listed = await server.call("GET", SECRETS)
        words = f'Internal error occurred: unable to transform key "/registry/secrets/default/a": {why}'
        assert (listed.status, listed.body["message"]) == (500, words)
        assert (await server.call("DELETE", f"{SECRETS}/a")).status == 500
        await make(server, name="b")
        assert (await server.call("GET", f"{SECRETS}/b")).status == 200
        assert (await server.call("GET", "/api/v1/namespaces/kube-system/secrets")).status == 200


async def test_a_running_server_takes_the_keys_of_a_file_that_changed(tmp_path: Path) -> None:
    file = config(tmp_path, gcm("one"))
    async with door(tmp_path, encryption_provider_config=file) as server:
        found = await make(server, stringData={"word": WORD})
        file.write_text("kind: Nothing")  # changes nothing
        config(tmp_path, gcm("two", "one"))
        async with asyncio.timeout(60):
            while not kept(server.storage, "/registry/secrets/default/a").startswith(b"k8s:enc:aesgcm:v1:two:"):
                answer = await server.call("PUT", f"{SECRETS}/a", json=found)
                found = answer.body if answer.status == 200 else found
                await asyncio.sleep(0.05)
        assert base64.b64decode(found["data"]["word"]).decode() == WORD
        third = await server.call("PUT", f"{SECRETS}/a", json=found)
        assert third.body == found
        assert (await server.call("GET", SECRETS)).body["items"][0]["data"] == found["data"]


async def test_a_server_does_not_start_with_a_configuration_that_it_cannot_use(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least one keys is required"):
        async with door(tmp_path, encryption_provider_config=config(tmp_path, {"aesgcm": {"keys": []}})):
            pass
