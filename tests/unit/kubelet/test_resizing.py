"""A node in memory, whose pods are resized."""

from typing import Any

from kubelet.cgroups.limits import Limits
from podling.client.resource import PODS

from .conftest import Node, pod

Data = dict[str, Any]


def sized(cpu: str, memory: str) -> Data:
    return {side: {"cpu": cpu, "memory": memory} for side in ("limits", "requests")}


async def resize(node: Node, resources: Data, generation: int = 2, name: str = "web") -> None:
    found = node.client.find(PODS, name)
    assert found is not None
    app = {**found["spec"]["containers"][0], "resources": resources}
    patch = {"metadata": {"generation": generation}, "spec": {"containers": [app]}}
    await node.client.patch(PODS, name, patch, "default")
    await node.settle()


def waits(node: Node, name: str = "web") -> dict[str, tuple[str, str]]:
    found = [each for each in node.status(name)["conditions"] if each["type"].startswith("PodResize")]
    return {each["type"]: (each.get("reason", ""), each.get("message", "")) for each in found}


async def start(node: Node, resources: Data, name: str = "web", **more: Any) -> None:
    node.facts = type(node.facts)(**{**vars(node.facts), "allocatable": {"cpu": "2", "memory": "1Gi", "pods": "110"}})
    await node.add(pod(name, [{"name": "app", "resources": resources, **more}]))


async def test_a_running_container_gets_new_limits_and_goes_on(node: Node) -> None:
    await start(node, sized("200m", "64Mi"))
    before = node.container()
    assert before["allocatedResources"] == {"cpu": "200m", "memory": "64Mi"}
    await resize(node, sized("500m", "128Mi"))
    running = node.runtime.running("uid-web", "app")
    assert running is not None and running.limits == Limits(512, 500, 128 << 20)
    after = node.container()
    assert after["containerID"] == before["containerID"] and after["restartCount"] == 0
    assert after["resources"] == sized("500m", "128Mi") and after["allocatedResources"] == {
        "cpu": "500m",
        "memory": "128Mi",
    }
    assert node.runtime.pod_limits["uid-web"][:3] == (512, 500, 128 << 20)
    assert [reason for reason in node.reasons() if "Resize" in reason] == ["ResizeStarted", "ResizeCompleted"]
    assert dict(node.events())["ResizeCompleted"].startswith('Pod resize completed: {"containers":[{"name":"app"')
    assert not waits(node)


async def test_a_container_whose_policy_says_so_is_restarted(node: Node) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    await start(node, sized("200m", "64Mi"), resizePolicy=policy)
    await resize(node, sized("200m", "128Mi"))
    assert node.container()["restartCount"] == 1 and node.container()["resources"] == sized("200m", "128Mi")
    assert ("Killing", "Container app resize requires restart") in node.events()
    assert not waits(node)


async def test_more_than_the_node_has_is_infeasible_and_changes_nothing(node: Node) -> None:
    await start(node, sized("1", "64Mi"))
    await resize(node, sized("3", "64Mi"))
    words = "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000"
    assert waits(node) == {"PodResizePending": ("Infeasible", words)}
    assert node.container()["resources"] == sized("1", "64Mi")
    assert words in dict(node.events())["ResizeInfeasible"]
    await resize(node, sized("1", "64Mi"), 3)
    assert not waits(node), "taken back"


async def test_what_has_no_room_now_is_done_when_there_is(node: Node) -> None:
    await start(node, sized("1", "64Mi"))
    await start(node, sized("800m", "64Mi"), "db")
    await resize(node, sized("1500m", "64Mi"))
    assert waits(node)["PodResizePending"][0] == "Deferred"
    node.runtime.exit(node.runtime.running("uid-db", "app").id)  # type: ignore[union-attr]
    await node.client.delete(PODS, "db", "default", grace_seconds=0)
    await node.advance(60)
    assert not waits(node) and node.container()["resources"] == sized("1500m", "64Mi")


async def test_less_memory_than_is_in_use_is_tried_again(node: Node) -> None:
    await start(node, sized("1", "64Mi"))
    node.runtime.memory_in_use["app"] = 50 << 20
    await resize(node, sized("1", "16Mi"))
    reason, message = waits(node)["PodResizeInProgress"]
    assert reason == "Error"
    assert message == (
        'cannot decrease memory limits: attempting to set container "app" memory limit (16777216) '
        "below current usage (52428800)"
    )
    assert message in dict(node.events())["ResizeError"].replace('\\"', '"')
    assert node.container()["resources"]["limits"]["memory"] == "64Mi"
    assert node.container()["allocatedResources"]["memory"] == "16Mi"
    node.runtime.memory_in_use["app"] = 1 << 20
    await node.advance(15)
    assert not waits(node) and node.container()["resources"] == sized("1", "16Mi")
    assert node.reasons().count("ResizeStarted") == 1


async def test_a_kubelet_killed_at_any_step_of_a_resize_comes_to_the_same_end(node: Node) -> None:
    for number, point in enumerate(
        ("before limit_container", "after limit_container", "before limit_pod", "after limit_pod")
    ):
        name = f"web{number}"
        await start(node, sized("100m", "64Mi"), name)

        async def cut(verb: str, wanted: str = point) -> None:
            if verb == wanted:
                for task in node._tasks:
                    task.cancel()

        node.runtime.point = cut
        await resize(node, sized("200m", "128Mi"), name=name)
        await node.kill()

        async def go_on(verb: str) -> None:
            return

        node.runtime.point = go_on
        node.start()
        await node.settle()
        assert node.container(name=name)["resources"] == sized("200m", "128Mi"), point
        assert node.container(name=name)["restartCount"] == 0
        assert node.runtime.pod_limits[f"uid-{name}"][:3] == (204, 200, 128 << 20)
        assert not waits(node, name)


async def test_a_pod_level_limit_is_resized_in_the_pods_own_cgroup(node: Node) -> None:
    await node.add(pod(resources=sized("1", "64Mi")))
    assert node.runtime.pod_limits["uid-web"].memory_bytes == 64 << 20
    patch = {"metadata": {"generation": 2}, "spec": {"resources": sized("500m", "128Mi")}}
    await node.client.patch(PODS, "web", patch, "default")
    await node.settle()
    assert node.runtime.pod_limits["uid-web"][:3] == (512, 500, 128 << 20)
    assert node.status()["resources"] == sized("500m", "128Mi")
    assert node.status()["allocatedResources"] == {"cpu": "500m", "memory": "128Mi"}


async def test_a_plain_init_container_is_no_resize(node: Node) -> None:
    init = {"name": "init", "resources": sized("100m", "64Mi")}
    await node.add(pod(initContainers=[init]))
    await node.advance(5)
    assert not [reason for reason in node.reasons() if "Resize" in reason]
