"""Images on their way to pods: policies, digests, logins, registries that misbehave, and what becomes of the images."""

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import docker as engine
import pytest

from tests.contracts.runtimes import busybox_tar
from tests.e2e.asking import Pods, container
from tests.e2e.conftest import eventually
from tests.e2e.manifests import FOREVER, manifest
from tests.registry import Registry


class Store(Registry):
    """A registry, and what of it came to the engine goes with it."""

    def clean(self) -> None:
        api = engine.APIClient(version="auto")
        for image in api.images():
            for name in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
                if name.startswith(f"127.0.0.1:{self.port}/"):
                    with contextlib.suppress(engine.errors.APIError):
                        api.remove_image(name, force=True)
        api.close()


@pytest.fixture
def registry() -> Iterator[Store]:
    with Store() as made:
        try:
            yield made
        finally:
            made.clean()


def app(image: str, policy: str | None = "IfNotPresent", name: str = "app") -> dict[str, Any]:
    given = {"imagePullPolicy": policy} if policy else {}
    return {"name": name, "image": image, "command": ["sh", "-c", FOREVER], **given}


def login(registry: Registry, password: str, old: bool = False) -> dict[str, str]:
    """The data of a pull secret, of either type."""
    host = registry.name("").rstrip("/")
    auths = {host: {"auth": base64.b64encode(f"me:{password}".encode()).decode()}}
    key, value = (".dockercfg", auths) if old else (".dockerconfigjson", {"auths": auths})
    return {key: base64.b64encode(json.dumps(value).encode()).decode()}


def add_secret(pods: Pods, name: str, data: dict[str, str]) -> None:
    type_ = "kubernetes.io/dockercfg" if ".dockercfg" in data else "kubernetes.io/dockerconfigjson"
    pods.create(
        json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": type_, "data": data})
    )


def reason(pods: Pods, name: str) -> str:
    return str(container(pods.get(name)).get("state", {}).get("waiting", {}).get("reason", ""))


def test_policies_tags_and_digests(pods: Pods, registry: Store) -> None:
    first = registry.push("team/app", "latest", busybox_tar())
    tag, digest = registry.name("team/app"), registry.name(f"team/app@{first}")
    pods.create(manifest("untagged", [app(tag, None)]))
    pods.create(manifest("digest", [app(digest, None)]))
    pods.create(manifest("never", [app(registry.name("team/other:1"), "Never")]))
    pods.running("untagged")
    pods.running("digest")
    assert pods.get("untagged")["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert pods.get("digest")["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    shown = container(pods.get("untagged"))
    assert shown["image"] == tag and shown["imageID"] == f"docker-pullable://{digest}"
    messages = [message for why, message in pods.events("untagged") if why in ("Pulling", "Pulled")]
    assert messages[0] == f'Pulling image "{tag}"'
    assert messages[1].startswith(f'Successfully pulled image "{tag}" in ') and messages[1].endswith(" bytes.")
    assert reason(pods, "never") == "ErrImageNeverPull"

    second = registry.push("team/app", "latest", busybox_tar())
    pods.create(manifest("always", [app(tag, "Always")]))
    pods.create(manifest("present", [app(tag, "Never")]))
    pods.running("always")
    pods.running("present")
    assert container(pods.get("always"))["imageID"].endswith(second), "the tag has moved, and Always asks"
    words = f'Container image "{tag}" already present on machine and can be accessed by the pod'
    assert ("Pulled", words) in pods.events("present")


def test_a_name_that_is_none_is_not_pulled(pods: Pods) -> None:
    pods.create(manifest("wrong", [app("Not/An/Image:::")]))
    pods.until("wrong", lambda pod: reason(pods, "wrong") == "InvalidImageName")
    assert "couldn't parse image name" in container(pods.get("wrong"))["state"]["waiting"]["message"]


@pytest.mark.parametrize("tokens", [False, True], ids=["basic", "token"])
def test_a_private_image_comes_with_the_right_secret_of_several(pods: Pods, registry: Store, tokens: bool) -> None:
    registry.push("team/app", "1", busybox_tar())
    registry.behaviour.user, registry.behaviour.password, registry.behaviour.tokens = "me", "right", tokens
    image = registry.name("team/app:1")
    add_secret(pods, "wrong", login(registry, "wrong"))
    add_secret(pods, "right", login(registry, "right", old=not tokens))
    pods.create(manifest("friend", [app(image)], imagePullSecrets=[{"name": "wrong"}, {"name": "right"}]))
    pods.running("friend")

    pods.create(manifest("stranger", [app(image)], imagePullSecrets=[{"name": "missing"}]))
    pods.create(manifest("never", [app(image, "Never")]))
    pods.until_status("stranger", "ErrImagePull", "ImagePullBackOff")
    pods.until_status("never", "ErrImageNeverPull")
    assert any(why == "FailedToRetrieveImagePullSecret" for why, _ in pods.events("stranger"))

    patch = json.dumps({"imagePullSecrets": [{"name": "right"}]})
    pods("patch", "serviceaccount", "default", "-p", patch)
    pods.create(manifest("account", [app(image, "Never")]))
    pods.running("account")
    assert pods.get("account")["spec"]["imagePullSecrets"] == [{"name": "right"}]


def test_a_registry_that_fails_is_asked_again_and_pulls_run_side_by_side_until_their_pods_leave(
    pods: Pods, registry: Store
) -> None:
    registry.push("team/app", "1", busybox_tar())
    registry.behaviour.answers = [429] * 3
    pods.create(manifest("patient", [app(registry.name("team/app:1"))]))
    pods.until_status("patient", "ImagePullBackOff")
    waiting = container(pods.get("patient"))["state"]["waiting"]["message"]
    assert waiting.startswith(f'Back-off pulling image "{registry.name("team/app:1")}": ErrImagePull: ')

    registry.behaviour.answers, registry.behaviour.bytes_per_second = [], 1 << 16  # a minute for each
    for number in range(3):
        registry.push(f"team/big{number}", "1", busybox_tar(), filler_bytes=4 << 20)
        pods.create(manifest(f"slow{number}", [app(registry.name(f"team/big{number}:1"))]))
    eventually(lambda: registry.layers_now >= 3)
    assert reason(pods, "slow0") == "ContainerCreating"
    pods("delete", "pod", "slow1", "slow2")
    registry.behaviour.bytes_per_second = 0
    pods.running("slow0")
    eventually(lambda: registry.layers_now == 0)

    pods.running("patient")
    assert {"Pulling", "Failed", "BackOff", "Pulled"} <= {why for why, _ in pods.events("patient")}


def test_images_of_the_machine_are_used_though_no_registry_has_them(pods: Pods, registry: Store) -> None:
    """docs/decisions/0005."""
    api = engine.APIClient(version="auto")
    name = registry.name("built-here")
    api.tag("busybox:latest", name, "latest")
    api.close()
    pods.create(manifest("built", [app(name, "Always")]))
    pods.running("built")
    assert any("the registry does not give it" in message for why, message in pods.events("built") if why == "Pulled")
