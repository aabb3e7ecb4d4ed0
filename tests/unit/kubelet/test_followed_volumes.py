"""Volumes and configuration that change, come or go under a kubelet: heard at once, without any time passing."""

from collections.abc import Awaitable
from typing import Any

import pytest

from kubelet.volumes.image import NoImageRoot
from podling.client.fake import FakeClient
from podling.client.resource import CONFIG_MAPS, PODS, SECRETS
from podling.loop.clock import settle

from .conftest import Node, pod

MOUNT = [{"name": "app", "image": "busybox", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]


def conf(value: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "conf", "namespace": "default"}, "data": {"a": value}, **more}


def content(node: Node, name: str) -> str:
    return str((node.folder / "pods" / "uid-web" / "volumes" / "v" / name).read_text())


async def test_a_volume_follows_its_config_map_and_the_pods_labels(node: Node) -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    sources = [{"configMap": {"name": "conf"}}, {"downwardAPI": {"items": items}}]
    node.client.add(CONFIG_MAPS, conf("1"))
    await node.add(pod(containers=MOUNT, volumes=[{"name": "v", "projected": {"sources": sources}}]))
    assert content(node, "a") == "1"
    await node.client.update(CONFIG_MAPS, conf("2"))
    await node.settle()
    assert content(node, "a") == "2"
    await node.client.patch(PODS, "web", {"metadata": {"labels": {"tier": "web"}}}, "default")
    await node.settle()
    assert content(node, "labels") == 'tier="web"'


async def test_what_a_pod_waits_for_starts_it_when_it_comes(node: Node) -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "p"}}}]
    containers = [{**MOUNT[0], "env": env}]
    await node.add(pod(containers=containers, volumes=[{"name": "v", "configMap": {"name": "conf"}}]))
    assert ("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "conf" not found') in node.events()
    node.client.add(CONFIG_MAPS, conf("1"))
    await node.settle()
    assert node.container()["state"]["waiting"]["message"] == 'secret "keys" not found'
    node.client.add(SECRETS, {"metadata": {"name": "keys"}, "data": {"p": "cHc="}})
    await node.settle()
    assert "running" in node.container()["state"]


async def test_a_config_map_that_goes_takes_nothing_from_a_pod_that_runs(node: Node) -> None:
    node.client.add(CONFIG_MAPS, conf("1"))
    await node.add(pod(containers=MOUNT, volumes=[{"name": "v", "configMap": {"name": "conf"}}]))
    await node.client.delete(CONFIG_MAPS, "conf", "default")
    await node.settle()
    assert content(node, "a") == "1" and "running" in node.container()["state"]


class Overtaken(FakeClient):
    """`news` comes, and is heard, before the answer to who has just read a config map."""

    news: Awaitable[Any] | None = None

    async def get(self, of: Any, name: str, namespace: str = "") -> Any:
        try:
            return await super().get(of, name, namespace)
        finally:
            if of is CONFIG_MAPS and (news := self.news):
                self.news = None
                await news
                await settle(100)


VARIABLE = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "b"}}}
B = {"key": "b", "path": "b"}


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "app", "env": [VARIABLE]}]},
        {"containers": MOUNT, "volumes": [{"name": "v", "configMap": {"name": "conf", "items": [B]}}]},
    ],
)
async def test_what_changes_while_it_is_read_is_read_again(node: Node, spec: dict[str, Any]) -> None:
    await node.kill()
    node.client = client = Overtaken()
    node.start()
    client.add(CONFIG_MAPS, conf("1"))
    await node.add(pod(**spec))
    assert "waiting" in node.container()["state"]
    client.news = client.patch(CONFIG_MAPS, "conf", {"data": {"b": "2"}}, "default")
    await client.patch(CONFIG_MAPS, "conf", {"data": {"a": "2"}}, "default")
    await node.settle()
    assert client.news is None and "running" in node.container()["state"]


class Roots:
    """An engine's images, as folders."""

    def __init__(self, layers: list[str], refusal: str = "") -> None:
        self.found, self.refusal, self.released = layers, refusal, list[str]()

    async def layers(self, image: str, uid: str) -> list[str]:
        if self.refusal:
            raise NoImageRoot(self.refusal)
        return self.found

    async def release(self, uid: str) -> None:
        self.released.append(uid)


IMAGE = {"name": "v", "image": {"reference": "busybox", "pullPolicy": "IfNotPresent"}}


async def test_an_engine_that_mounts_images_is_asked_to(node: Node) -> None:
    node.volumes.images = roots = Roots([])
    await node.add(pod(containers=MOUNT, volumes=[IMAGE]))
    running = node.runtime.running("uid-web", "app")
    assert running
    (mount,) = node.runtime.wanted[running.id].mounts
    assert (mount.source, mount.of_image, mount.read_only) == ("sha256:1", True, True)
    await node.client.delete(PODS, "web", "default", grace_seconds=0)
    await node.advance(60)
    assert roots.released == ["uid-web"]


async def test_an_image_without_a_place_is_told(node: Node) -> None:
    node.volumes.images = Roots([], "this engine has btrfs")
    await node.add(pod(containers=MOUNT, volumes=[IMAGE]))
    waiting = node.container()["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"] == 'failed to mount image volume "v": this engine has btrfs'


async def test_an_image_that_cannot_be_had_holds_who_mounts_it(node: Node) -> None:
    other = {"name": "other", "image": "busybox"}
    volume = {"name": "v", "image": {"reference": "none:1", "pullPolicy": "IfNotPresent"}}
    await node.add(pod(containers=[*MOUNT, other], volumes=[volume]))
    assert node.container()["state"]["waiting"]["reason"] == "ErrImagePull"
    assert "running" in node.container("other")["state"]
    await node.advance(3)
    held = node.container()["state"]["waiting"]
    assert held["reason"] == "ImagePullBackOff" and 'pulling image "none:1"' in held["message"]
