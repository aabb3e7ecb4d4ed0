"""Images on the way to a pod, over a node in memory."""

import base64
import json

from kubelet.images.logins import Login
from kubelet.runtime import ImageSeen
from podling.client.resource import PODS, SECRETS
from tests.unit.kubelet.conftest import Node, pod

PRIVATE = "quay.io/team/app:1"


def private(name: str = "web", policy: str = "IfNotPresent", *secrets: str) -> dict[str, object]:
    container = {"name": "app", "image": PRIVATE, "imagePullPolicy": policy}
    return pod(name, [container], imagePullSecrets=[{"name": each} for each in secrets])


def add_secret(node: Node, name: str, password: str, namespace: str = "default") -> None:
    auth = base64.b64encode(f"me:{password}".encode()).decode()
    data = base64.b64encode(json.dumps({"auths": {"quay.io": {"auth": auth}}}).encode()).decode()
    node.client.add(
        SECRETS,
        {
            "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": data},
        },
    )


def lock(node: Node) -> None:
    node.runtime.registry[PRIVATE] = ImageSeen("sha256:9", "", 10)
    node.runtime.passwords = {"right"}


async def test_each_login_is_tried_in_turn(node: Node) -> None:
    lock(node)
    add_secret(node, "old", "wrong")
    add_secret(node, "new", "right")
    uid = await node.add(private("web", "IfNotPresent", "old", "new"))
    assert node.runtime.running(uid, "app")
    assert [login.password for _, login in node.runtime.pulls if login] == ["wrong", "right"]


async def test_the_machines_own_login_comes_last_and_serves_everybody(node: Node) -> None:
    lock(node)
    add_secret(node, "old", "wrong")
    node.runtime.own = Login("machine", "right", "quay.io")
    uid = await node.add(private("web", "IfNotPresent", "old"))
    assert node.runtime.running(uid, "app")
    assert node.runtime.running(await node.add(private("other", "Never")), "app")


async def test_a_secret_that_is_missing_is_told(node: Node) -> None:
    lock(node)
    await node.add(private("web", "IfNotPresent", "b", "a"))
    words = "Unable to retrieve some image pull secrets (a, b); attempting to pull the image may not succeed."
    assert ("FailedToRetrieveImagePullSecret", words) in node.events()
    assert node.container()["state"]["waiting"]["message"] == "unauthorized: authentication required"


async def test_what_all_registries_say_is_told_once_each(node: Node) -> None:
    node.runtime.registry[PRIVATE] = ImageSeen("sha256:9", "")
    node.runtime.passwords = {"unknown"}
    add_secret(node, "one", "1")
    add_secret(node, "two", "2")
    await node.add(private("web", "IfNotPresent", "one", "two"))
    assert len(node.runtime.pulls) == 2
    assert node.container()["state"]["waiting"]["message"] == "unauthorized: authentication required"


async def test_an_image_pulled_with_a_secret_is_not_for_pods_without_it(node: Node) -> None:
    lock(node)
    add_secret(node, "mine", "right")
    assert node.runtime.running(await node.add(private("web", "IfNotPresent", "mine")), "app")
    await node.add(private("never", "Never"))
    await node.add(private("stranger"))
    assert node.container(name="never")["state"]["waiting"]["reason"] == "ErrImageNeverPull"
    assert node.container(name="stranger")["state"]["waiting"]["reason"] == "ErrImagePull"
    pulls = len(node.runtime.pulls)
    friend = await node.add(private("friend", "Never", "mine"))
    assert node.runtime.running(friend, "app") and len(node.runtime.pulls) == pulls
    words = f'Container image "{PRIVATE}" already present on machine and can be accessed by the pod'
    assert ("Pulled", words) in node.events()


async def test_pulls_run_side_by_side_up_to_a_bound(node: Node) -> None:
    node.runtime.pull_seconds = 5
    containers = [{"name": f"c{number}", "image": f"huge:{number}"} for number in range(6)]
    for each in containers:
        node.runtime.registry[each["image"]] = ImageSeen(f"sha256:{each['name']}", "", 7)
    uid = await node.add(pod(containers=containers))
    assert node.runtime.pulls_at_once == 5
    await node.advance(5)
    assert node.runtime.pulls_at_once == 1
    await node.advance(5)
    assert all(node.runtime.running(uid, each["name"]) for each in containers)
    words = 'Successfully pulled image "huge:5" in 5s (10s including waiting). Image size: 7 bytes.'
    assert ("Pulled", words) in node.events()


async def test_a_pull_that_takes_its_time_says_how_far_it_is(node: Node) -> None:
    node.runtime.pull_seconds = 300
    await node.add(pod(containers=[{"name": "app", "image": "huge:1"}]))
    await node.advance(9)
    assert node.reasons() == ["Pulling"]
    await node.advance(2)
    assert ("Pulling", 'Pulling image "huge:1": waiting for the registry') in node.events()
    await node.advance(200)
    assert node.reasons() == ["Pulling", "Pulling"], "nothing new is not told again"


async def test_a_pod_that_leaves_ends_its_pull_though_others_of_its_containers_run(node: Node) -> None:
    node.runtime.pull_seconds = 1000
    await node.add(pod(containers=[{"name": "app"}, {"name": "late", "image": "huge:1"}]))
    assert node.runtime.pulls_at_once == 1
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.runtime.pulls_at_once == 0


async def test_what_was_built_here_is_not_asked_for_at_each_start(node: Node) -> None:
    always = [{"name": "app", "image": "busybox", "imagePullPolicy": "Always"}]
    await node.add(pod("one", always))
    await node.add(pod("two", [dict(always[0])]))
    assert len(node.runtime.pulls) == 1
    await node.advance(301)
    await node.add(pod("three", [dict(always[0])]))
    assert len(node.runtime.pulls) == 2
