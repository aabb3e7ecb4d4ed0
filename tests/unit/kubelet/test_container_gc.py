"""Dead containers: how long they stay, and what goes when the node needs room."""

from kubelet.fake import Program
from kubelet.node.container_gc import delete_unused, unused
from kubelet.runtime import ContainerSeen, PodRef, PodSeen, State
from podling.client.resource import PODS
from tests.unit.kubelet.conftest import Node, pod


def seen(id: str, attempt: int, state: State, name: str = "app") -> ContainerSeen:
    return ContainerSeen(id, name, attempt, state, "i", "i", "h")


def test_of_pods_that_are_over_all_goes_and_of_others_what_came_before_the_newest() -> None:
    containers = [
        seen("running", 2, State.RUNNING),
        seen("before", 1, State.EXITED),
        seen("half-made", 0, State.CREATED, "other"),
        seen("init", 0, State.EXITED, "init"),
    ]
    alive = PodSeen(PodRef("1", "default", "alive"), (), containers)
    over = PodSeen(PodRef("2", "default", "over"), (), [seen("last", 1, State.EXITED), seen("first", 0, State.EXITED)])
    assert unused([alive, over], {"2"}) == ["before", "last", "first"]
    assert unused([alive, over], ()) == ["before", "first"]


async def test_a_pod_that_is_over_keeps_its_status_when_its_containers_go(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(seconds=1, exit_code=3)
    uid = await node.add(pod(restartPolicy="Never"))
    await node.advance(1)
    assert node.status()["phase"] == "Failed" and node.kubelet.over() == {uid}
    before = node.status()
    assert await delete_unused(node.runtime, node.kubelet.over()) == 1
    await node.advance(60)
    assert node.runtime.seen(uid) is None
    assert node.status() == before
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.client.find(PODS, "web") is None


async def test_what_a_pod_leaves_behind_goes_with_it(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(seconds=1)
    uid = await node.add(pod(restartPolicy="Never"))
    await node.advance(1)
    kept = node.runtime.seen(uid)
    assert kept and not kept.sandboxes and len(kept.containers) == 1, "its log can be read while it is in the API"
    await node.client.delete(PODS, "web", "default", grace_seconds=0)
    await node.settle()
    assert node.runtime.seen(uid) is None
