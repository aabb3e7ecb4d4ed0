import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kubelet.fake import FakeRuntime
from kubelet.node.agent import NodeAgent
from kubelet.node.object import NodeSpec, conditions
from kubelet.node.pressure import CALM, Pressure
from kubelet.resolv import parse
from kubelet.wanted import Dns
from podling.client.events import EventRecorder
from podling.client.fake import FakeClient
from podling.client.informer import Informer
from podling.client.resource import EVENTS, LEASES, NODES
from podling.loop.clock import FakeClock, settle


class World:
    def __init__(self) -> None:
        self.clock, self.client = FakeClock(), FakeClient()
        self.runtime = FakeRuntime(self.clock)
        self.address, self.pressure = "192.0.2.1", CALM
        self.events = EventRecorder(self.client, "kubelet", "n1", self.clock)
        spec = lambda: NodeSpec("n1", self.address, 10250, "10.244.1.0/24")  # noqa: E731
        pressure = lambda: self.pressure  # noqa: E731
        client, runtime, events, clock = self.client, self.runtime, self.events, self.clock
        self.agent = NodeAgent(client, runtime, events, clock, spec=spec, pressure=pressure)

    def node(self) -> dict[str, Any]:
        return self.client.find(NODES, "n1") or {}

    def ready(self) -> dict[str, Any]:
        found = self.node()["status"]["conditions"]
        return next(each for each in found if each["type"] == "Ready")

    def renewed(self) -> str:
        return str((self.client.find(LEASES, "n1", "kube-node-lease") or {})["spec"]["renewTime"])

    async def turn(self, seconds: float = 0) -> None:
        await self.clock.advance(seconds)
        await settle(1000)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    tasks = [asyncio.ensure_future(made.agent.run()), asyncio.ensure_future(made.events.run())]
    await made.turn()
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def reasons(world: World) -> list[str]:
    return sorted(item["reason"] for (plural, _, _), item in world.client.objects.items() if plural == EVENTS.plural)


async def test_a_node_registers_and_is_ready(world: World) -> None:
    node = world.node()
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
    assert node["spec"] == {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]}
    status = node["status"]
    assert status["addresses"][0] == {"type": "InternalIP", "address": "192.0.2.1"}
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["capacity"]["cpu"] == "4" and status["nodeInfo"]["containerRuntimeVersion"] == "docker://20.10.24"
    assert (world.ready()["status"], world.ready()["reason"]) == ("True", "KubeletReady")
    assert world.agent.is_registered


async def test_the_lease_is_renewed_and_the_status_written_only_when_it_is_old(world: World) -> None:
    renewed, version = world.renewed(), world.node()["metadata"]["resourceVersion"]
    await world.turn(10)
    assert world.renewed() > renewed
    assert world.node()["metadata"]["resourceVersion"] == version
    for _ in range(30):
        await world.turn(10)
    assert world.node()["metadata"]["resourceVersion"] != version


async def test_the_node_is_not_ready_while_the_engine_is_away(world: World) -> None:
    world.runtime.away = True
    world.agent.wake()
    await world.turn()
    assert (world.ready()["status"], world.ready()["reason"]) == ("False", "KubeletNotReady")
    assert world.ready()["message"] == "container runtime is down: the engine is away"
    world.runtime.away = False
    await world.turn(10)
    assert world.ready()["status"] == "True"
    calm = ["NodeHasNoDiskPressure", "NodeHasSufficientMemory", "NodeHasSufficientPID"]
    assert reasons(world) == [*calm, "NodeNotReady", "NodeReady", "Starting"]


async def test_what_another_wrote_about_readiness_is_put_right(world: World) -> None:
    unknown = [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]
    await world.client.patch(NODES, "n1", {"status": {"conditions": unknown}}, subresource="status")
    await world.turn(10)
    assert world.ready()["status"] == "True"


async def test_a_node_that_somebody_removed_registers_anew(world: World) -> None:
    await world.client.delete(NODES, "n1")
    await world.turn(10)
    assert world.ready()["status"] == "True"


async def test_labels_and_taints_of_others_are_kept_when_the_kubelet_starts_again() -> None:
    world = World()
    world.client.add(
        NODES,
        {
            "metadata": {"name": "n1", "labels": {"disk": "ssd"}},
            "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
        },
    )
    await world.agent.look()
    assert world.node()["metadata"]["labels"]["disk"] == "ssd"
    assert world.node()["spec"]["taints"] == [{"key": "a", "effect": "NoSchedule"}]


async def test_a_node_without_engine_is_not_registered_yet() -> None:
    world = World()
    world.runtime.away = True
    await world.agent.look()
    assert not world.node() and not world.agent.is_registered


def test_a_condition_keeps_its_time_until_it_turns() -> None:
    clock = FakeClock()
    first = conditions([{"type": "Other", "status": "True"}], "", Pressure(False, False, False), clock.now())
    assert first[0] == {"type": "Other", "status": "True"}
    later = conditions(first, "", Pressure(True, False, False), FakeClock(clock.now().replace(hour=5)).now())
    by_type = {each["type"]: each for each in later}
    assert by_type["MemoryPressure"]["reason"] == "KubeletHasInsufficientMemory"
    assert by_type["MemoryPressure"]["lastTransitionTime"] == "2026-01-01T05:00:00Z"
    assert by_type["Ready"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert by_type["Ready"]["lastHeartbeatTime"] == "2026-01-01T05:00:00Z"


async def test_the_node_tells_its_pressure_and_that_it_shuts_down(world: World) -> None:
    world.pressure, world.agent.shutting_down = Pressure(disk=True), "node is shutting down"
    world.agent.wake()
    await world.turn()
    told = {each["type"]: (each["status"], each["reason"]) for each in world.node()["status"]["conditions"]}
    assert told["DiskPressure"] == ("True", "KubeletHasDiskPressure")
    assert "NodeHasDiskPressure" in reasons(world)
    assert (world.ready()["reason"], world.ready()["message"]) == ("KubeletNotReady", "node is shutting down")


def test_resolv_conf_without_servers_that_pods_cannot_reach() -> None:
    text = "# made\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch a.b c\noptions ndots:2 edns0\nsearch .\n"
    assert parse(text) == Dns(["10.0.0.1"], [], ["ndots:2", "edns0"])


async def test_a_label_is_known_before_the_next_heartbeat(world: World) -> None:
    informer: Informer[Any] = Informer(world.client, NODES, fields="metadata.name=n1", clock=world.clock)
    informer.on_change(world.agent.heard)
    following = asyncio.ensure_future(informer.run())
    try:
        await world.turn()
        await world.client.patch(NODES, "n1", {"metadata": {"labels": {"zone": "x"}}})
        await world.turn()
        assert world.agent.labels["zone"] == "x"
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
