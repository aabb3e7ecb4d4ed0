from .conftest import Node, pod
from kubelet.fake import Program


async def test_a_pod_runs(node: Node) -> None:
    uid = await node.add(pod())
    assert node.runtime.running(uid, "app")
    print(node.status()); print(node.events())
    assert node.status()["phase"] == "Running"
