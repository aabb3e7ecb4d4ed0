"""Sandboxes, images, configuration and volumes that cannot be had, and how the pod comes up when they can."""

from kubelet.fake import Program
from kubelet.runtime import ImageSeen
from podling.client.resource import CONFIG_MAPS, PODS

from .conftest import Node, pod


async def test_a_pod_that_never_started_can_be_deleted(node: Node) -> None:
    node.runtime.sandbox_error = "no addresses left"
    await node.add(pod())
    assert ("FailedCreatePodSandBox", "Failed to create pod sandbox: no addresses left") in node.events()
    assert node.container()["state"]["waiting"]["reason"] == "ContainerCreating"
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.client.find(PODS, "web") is None


async def test_a_sandbox_that_cannot_be_made_is_tried_again(node: Node) -> None:
    node.runtime.sandbox_error = "no addresses left"
    uid = await node.add(pod())
    node.runtime.sandbox_error = ""
    await node.advance(1)
    assert node.runtime.running(uid, "app")


async def test_an_image_is_pulled_when_it_is_not_there(node: Node) -> None:
    node.runtime.registry["nginx:1"] = ImageSeen("sha256:2", "", 4096)
    node.runtime.pull_seconds = 3
    uid = await node.add(pod(containers=[{"name": "app", "image": "nginx:1"}]))
    assert node.container()["state"]["waiting"]["reason"] == "ContainerCreating"
    await node.advance(3)
    assert node.runtime.running(uid, "app")
    assert node.reasons() == ["Pulling", "Pulled", "Created", "Started"]
    words = 'Successfully pulled image "nginx:1" in 3s (3s including waiting). Image size: 4096 bytes.'
    assert ("Pulled", words) in node.events()


async def test_an_image_that_does_not_exist_backs_off_and_comes_when_it_does(node: Node) -> None:
    uid = await node.add(pod(containers=[{"name": "app", "image": "nope:1"}, {"name": "other"}]))
    assert node.container()["state"]["waiting"]["reason"] == "ErrImagePull"
    assert node.status()["phase"] == "Pending", "a pod that cannot start completely never shows Running"
    await node.advance(2)
    assert node.container()["state"]["waiting"]["reason"] == "ImagePullBackOff"
    await node.advance(7)
    assert len(node.runtime.pulls) == 1
    await node.advance(1)
    assert len(node.runtime.pulls) == 2
    node.runtime.registry["nope:1"] = ImageSeen("sha256:2", "")
    await node.advance(20)
    assert node.runtime.running(uid, "app") and node.status()["phase"] == "Running"


async def test_a_pod_that_pulls_can_be_deleted_at_once(node: Node) -> None:
    node.runtime.pull_seconds = 1000
    await node.add(pod(containers=[{"name": "app", "image": "huge:1"}]))
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.client.find(PODS, "web") is None


async def test_never_does_not_pull(node: Node) -> None:
    await node.add(pod(containers=[{"name": "app", "image": "nope:1", "imagePullPolicy": "Never"}]))
    assert node.container()["state"]["waiting"] == {
        "reason": "ErrImageNeverPull",
        "message": 'Container image "nope:1" is not present with pull policy of Never',
    }
    assert not node.runtime.pulls


async def test_a_wrong_image_name_is_told(node: Node) -> None:
    await node.add(pod(containers=[{"name": "app", "image": "Not//Good"}]))
    assert node.container()["state"]["waiting"]["reason"] == "InvalidImageName"


async def test_always_asks_the_registry_but_uses_what_was_built_here(node: Node) -> None:
    uid = await node.add(pod(containers=[{"name": "app", "image": "busybox", "imagePullPolicy": "Always"}]))
    assert node.runtime.running(uid, "app") and len(node.runtime.pulls) == 1


async def test_a_command_that_does_not_exist_crash_loops(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(refuses='exec: "nope": not found')
    await node.add(pod())
    assert node.container()["state"]["waiting"] == {"reason": "RunContainerError", "message": 'exec: "nope": not found'}
    await node.advance(3)
    assert node.container()["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    ended = node.container()["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    await node.advance(8)
    assert node.container()["restartCount"] == 1


async def test_a_missing_config_map_is_told_and_waited_for(node: Node) -> None:
    variable = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "a"}}}
    uid = await node.add(pod(containers=[{"name": "app", "env": [variable]}]))
    assert node.container()["state"]["waiting"] == {
        "reason": "CreateContainerConfigError",
        "message": 'configmap "conf" not found',
    }
    assert node.status()["phase"] == "Pending"
    node.client.add(CONFIG_MAPS, {"metadata": {"name": "conf"}, "data": {"a": "1"}})
    await node.advance(10)
    running = node.runtime.running(uid, "app")
    assert running and node.runtime.wanted[running.id].environment["A"] == "1"


async def test_a_missing_volume_keeps_the_pod_creating(node: Node) -> None:
    volume = {"name": "v", "configMap": {"name": "conf"}}
    mount = {"name": "v", "mountPath": "/v"}
    uid = await node.add(pod(containers=[{"name": "app", "volumeMounts": [mount]}], volumes=[volume]))
    assert ("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "conf" not found') in node.events()
    assert node.container()["state"]["waiting"]["reason"] == "ContainerCreating"
    assert not node.runtime.seen(uid), "no sandbox before the volumes"
    node.client.add(CONFIG_MAPS, {"metadata": {"name": "conf"}, "data": {"a": "1"}})
    await node.advance(2)
    assert node.runtime.running(uid, "app")
    assert (node.folder / "pods" / uid / "volumes" / "v" / "a").read_text() == "1"
    await node.client.patch(CONFIG_MAPS, "conf", {"data": {"a": "2"}}, "default")
    await node.advance(61)
    assert (node.folder / "pods" / uid / "volumes" / "v" / "a").read_text() == "2"
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert not (node.folder / "pods" / uid).exists()
