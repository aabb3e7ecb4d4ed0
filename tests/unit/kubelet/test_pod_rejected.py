"""Pods that the node does not take never start, and stay to be seen."""

from podling.client.resource import PODS

from .conftest import Node, pod

UNSAFE = {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}
PORTS = [{"name": "app", "ports": [{"containerPort": 80, "hostPort": 8080}]}]


async def test_a_rejected_pod_fails_without_a_container(node: Node) -> None:
    uid = await node.add(pod(securityContext=UNSAFE))
    status = node.status()
    assert (status["phase"], status["reason"]) == ("Failed", "SysctlForbidden")
    assert status["message"] == 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'
    assert "containerStatuses" not in status and not status["conditions"]
    assert node.events() == [("SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted')]
    assert uid not in await node.runtime.pods()
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.client.find(PODS, "web") is None


async def test_the_second_pod_that_wants_a_port_of_the_node_is_rejected_until_the_first_is_gone(node: Node) -> None:
    await node.add(pod("one", containers=PORTS))
    await node.add(pod("two", containers=PORTS))
    assert node.status("one")["phase"] == "Running" and node.status("two")["reason"] == "NodePorts"
    await node.client.delete(PODS, "one", "default")
    await node.settle()
    await node.add(pod("three", containers=PORTS))
    assert node.status("three")["phase"] == "Running" and node.status("two")["phase"] == "Failed"


async def test_a_kubelet_that_comes_back_gives_a_port_to_the_pod_that_had_it(node: Node) -> None:
    await node.add(pod("zero", containers=PORTS))
    await node.kill()
    node.client.add(PODS, pod("another", containers=PORTS))
    node.start()
    await node.settle()
    assert node.status("zero")["phase"] == "Running" and node.status("another")["reason"] == "NodePorts"
