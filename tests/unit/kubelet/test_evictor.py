"""A node under pressure: what is measured is the test's, pods and engine are in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from kubelet.configuration import Configuration, configuration
from kubelet.fake import Program
from kubelet.node.eviction import ContainerUsage, PodUsage
from kubelet.node.evictor import Evictor
from kubelet.node.thresholds import Observation

from .conftest import Node, pod

MI = 1 << 20
SETTINGS = configuration(
    {
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "10%"},
        "evictionSoft": {"memory.available": "500Mi"},
        "evictionSoftGracePeriod": {"memory.available": "30s"},
        "evictionMaxPodGracePeriod": 7,
    }
)


class Pressed:
    """`free` is what is left of the node, `used` what pods use, in Mi; `reclaims` what is freed when asked."""

    def __init__(self, node: Node, settings: Configuration) -> None:
        self.node = node
        self.free: dict[str, int] = {"memory.available": 4096, "nodefs.available": 900}
        self.used: dict[str, int] = {}
        self.reclaimed: list[str] = []
        self.reclaims = 0
        self.told: list[str] = []
        self.changes = 0
        self.evictor = Evictor(
            settings,
            node.kubelet,
            node.clock,
            observe=self.observe,
            usages=self.usages,
            reclaim=self.reclaim,
            tell=lambda type_, reason, message: self.told.append(f"{reason}: {message}"),
            changed=self.changed,
        )

    def observe(self) -> Mapping[str, Observation]:
        whole = {"memory.available": 8192, "nodefs.available": 1000}
        return {signal: Observation(left * MI, whole[signal] * MI) for signal, left in self.free.items()}

    async def usages(self, resource: str, uids: Sequence[str]) -> Mapping[str, PodUsage]:
        return {uid: PodUsage([ContainerUsage("app", used * MI, used * MI)]) for uid, used in self.used.items()}

    async def reclaim(self, resource: str) -> None:
        self.reclaimed.append(resource)
        self.free["nodefs.available"] += self.reclaims

    def changed(self) -> None:
        self.changes += 1

    async def add(self, name: str, used: int, **spec: Any) -> str:
        uid = await self.node.add(pod(name, **spec))
        self.used[uid] = used
        return uid

    def phase(self, name: str) -> str:
        return str(self.node.status(name)["phase"])


@pytest.fixture
async def pressed(node: Node) -> AsyncIterator[Pressed]:
    made = Pressed(node, SETTINGS)
    running = asyncio.ensure_future(made.evictor.run())
    await node.settle()
    yield made
    running.cancel()


async def test_the_greediest_pod_is_evicted_and_the_others_run_on(pressed: Pressed) -> None:
    uid = await pressed.add("greedy", 900)
    await pressed.add("modest", 10)
    pressed.free["memory.available"] = 50
    await pressed.node.advance(10)
    status = pressed.node.status("greedy")
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert status["message"] == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container app was using 900Mi, request is 0, has larger consumption of memory. "
    )
    [condition] = [each for each in status["conditions"] if each["type"] == "DisruptionTarget"]
    assert (condition["status"], condition["reason"]) == ("True", "TerminationByKubelet")
    assert ("Evicted", status["message"]) in pressed.node.events()
    assert pressed.told == ["EvictionThresholdMet: Attempting to reclaim memory"]
    assert pressed.node.runtime.running(uid, "app") is None and pressed.phase("modest") == "Running"
    assert pressed.evictor.pressure.conditions == ["MemoryPressure"] and pressed.changes == 1


async def test_one_pod_at_a_time_until_enough_is_free(pressed: Pressed) -> None:
    for name, used in (("most", 900), ("more", 500), ("some", 100)):
        await pressed.add(name, used)
    pressed.free["memory.available"] = 50
    await pressed.node.advance(10)
    assert [pressed.phase(name) for name in ("most", "more", "some")] == ["Failed", "Running", "Running"]
    await pressed.node.advance(1)
    assert [pressed.phase(name) for name in ("most", "more", "some")] == ["Failed", "Failed", "Running"]
    pressed.free["memory.available"] = 3000
    await pressed.node.advance(60)
    assert pressed.phase("some") == "Running"


async def test_a_pod_that_dies_slowly_is_given_half_a_minute_before_the_next(pressed: Pressed) -> None:
    pressed.node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=True)
    await pressed.add("first", 900, priority=1)
    await pressed.add("second", 500, priority=2)
    pressed.free["memory.available"] = 50
    await pressed.node.advance(10)
    assert pressed.phase("second") == "Running"


async def test_disks_are_cleaned_before_pods_are_evicted(pressed: Pressed) -> None:
    await pressed.add("web", 500)
    pressed.free["nodefs.available"], pressed.reclaims = 50, 100
    await pressed.node.advance(10)
    assert pressed.reclaimed == ["ephemeral-storage"] and pressed.phase("web") == "Running"
    pressed.free["nodefs.available"], pressed.reclaims = 50, 0
    await pressed.node.advance(10)
    assert pressed.phase("web") == "Failed"
    assert "has larger consumption of ephemeral-storage" in pressed.node.status("web")["message"]


async def test_a_soft_threshold_gives_time_and_a_grace_period(pressed: Pressed) -> None:
    await pressed.add("web", 900)
    pressed.free["memory.available"] = 300
    await pressed.node.advance(30)
    assert pressed.phase("web") == "Running" and pressed.evictor.pressure.memory
    await pressed.node.advance(10)
    assert pressed.phase("web") == "Failed"


async def test_critical_pods_are_spared_though_they_use_most(pressed: Pressed) -> None:
    await pressed.add("critical", 4000, priority=2_000_000_000)
    await pressed.add("web", 1)
    pressed.free["memory.available"] = 50
    await pressed.node.advance(60)
    assert [pressed.phase(name) for name in ("critical", "web")] == ["Running", "Failed"]


async def test_an_evicted_pod_stays_evicted_when_the_kubelet_starts_again(pressed: Pressed) -> None:
    uid = await pressed.add("web", 900)
    pressed.free["memory.available"] = 50
    await pressed.node.advance(10)
    await pressed.node.kill()
    pressed.node.start()
    await pressed.node.advance(60)
    assert pressed.phase("web") == "Failed" and pressed.node.status("web")["reason"] == "Evicted"
    assert pressed.node.runtime.running(uid, "app") is None
