import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from podling.api.errors import ServiceUnavailable
from podling.client.events import EventRecorder
from podling.client.fake import FakeClient
from podling.client.resource import EVENTS, NAMESPACES, NODES, PODS
from podling.loop.clock import FakeClock
from scheduler.pod_info import PodInfo
from scheduler.scheduler import NAME, Scheduler
from scheduler.server import explained

ROOM = {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "10"}}


def pod(name: str, cpu: str = "600m", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}], **spec},
    }


class Bench:
    def __init__(self) -> None:
        self.client, self.clock = FakeClient(), FakeClock()
        self.scheduler = Scheduler(self.client, EventRecorder(self.client, NAME, clock=self.clock), self.clock)

    def node_of(self, name: str) -> str | None:
        found = self.client.find(PODS, name)
        assert found is not None
        node: str | None = found["spec"].get("nodeName")
        return node

    async def events(self) -> list[tuple[str, str]]:
        return [(event.reason, event.message) for event in (await self.client.list(EVENTS)).items]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    found = Bench()
    task = asyncio.create_task(found.scheduler.run())
    await found.clock.advance(0)
    yield found
    task.cancel()
    await asyncio.wait([task])


async def test_a_pod_is_bound_to_a_node_that_can_take_it(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("a"))
    await bench.clock.advance(0.1)
    assert bench.node_of("a") == "n1"
    assert await bench.events() == [("Scheduled", "Successfully assigned default/a to n1")]


async def test_a_pod_that_fits_nowhere_says_why_and_goes_when_there_is_room(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("a"))
    bench.client.add(PODS, pod("b"))
    await bench.clock.advance(0.1)
    waiting = bench.client.find(PODS, "b")
    assert waiting is not None
    condition = waiting["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    none = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    assert condition["message"] == f"0/1 nodes are available: 1 Insufficient cpu. {none}"
    assert ("FailedScheduling", condition["message"]) in await bench.events()
    await bench.clock.advance(30)
    assert bench.node_of("b") is None
    await bench.client.delete(PODS, "a", "default", grace_seconds=0)
    await bench.clock.advance(0.1)
    assert bench.node_of("b") == "n1"


async def test_the_first_node_of_an_empty_cluster_takes_who_waited(bench: Bench) -> None:
    bench.client.add(PODS, pod("a"))
    await bench.clock.advance(5)
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    await bench.clock.advance(0.1)
    assert bench.node_of("a") == "n1"


async def test_a_heartbeat_of_a_full_node_wakes_nobody(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("a", cpu="5"))
    await bench.clock.advance(5)
    before = bench.client.version
    heartbeat = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    await bench.client.patch(NODES, "n1", heartbeat, subresource="status")
    await bench.clock.advance(20)
    assert bench.client.version == before + 1


async def test_a_failed_binding_is_tried_again(bench: Bench) -> None:
    def fail(verb: str, plural: str, name: str) -> None:
        if verb == "create" and plural == "pods":
            raise ServiceUnavailable("away")

    bench.client.fail = fail
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("a"))
    await bench.clock.advance(0.5)
    bench.client.fail = lambda verb, plural, name: None
    await bench.clock.advance(2)
    assert bench.node_of("a") == "n1"


async def test_others_pods_and_gated_ones_are_left_alone(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("theirs", schedulerName="other"))
    bench.client.add(PODS, pod("gated", schedulingGates=[{"name": "wait"}]))
    await bench.clock.advance(1)
    assert bench.node_of("theirs") is None
    assert bench.node_of("gated") is None


async def test_a_more_important_pod_makes_room(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("low", priority=1, terminationGracePeriodSeconds=5))
    await bench.clock.advance(0.1)
    high = bench.client.add(PODS, pod("high", priority=10, schedulerName=NAME))
    await bench.clock.advance(0.1)
    low = bench.client.find(PODS, "low")
    assert low is not None and low["metadata"]["deletionGracePeriodSeconds"] == 5
    told = next(c for c in low["status"]["conditions"] if c["type"] == "DisruptionTarget")
    assert (told["status"], told["reason"]) == ("True", "PreemptionByScheduler")
    assert told["message"] == "default-scheduler: preempting to accommodate a higher priority pod"
    uid = high["metadata"]["uid"]
    assert ("Preempted", f"Preempted by pod {uid} on node n1") in await bench.events()
    waiting = bench.client.find(PODS, "high")
    assert waiting is not None and waiting["status"]["nominatedNodeName"] == "n1"
    await bench.clock.advance(4)
    assert bench.node_of("high") is None
    await bench.client.delete(PODS, "low", "default", grace_seconds=0)
    await bench.clock.advance(10)
    assert bench.node_of("high") == "n1"
    assert [reason for reason, _ in await bench.events()].count("Preempted") == 1


async def test_room_that_is_being_made_is_nobody_elses(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("low", priority=1))
    await bench.clock.advance(0.1)
    bench.client.add(PODS, pod("high", priority=10))
    await bench.clock.advance(0.1)
    await bench.client.delete(PODS, "low", "default", grace_seconds=0)
    bench.client.add(PODS, pod("quick", priority=1))
    await bench.clock.advance(10)
    assert (bench.node_of("high"), bench.node_of("quick")) == ("n1", None)


async def test_a_pod_that_preempts_nobody_says_so(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("low", priority=1))
    await bench.clock.advance(0.1)
    bench.client.add(PODS, pod("never", priority=10, preemptionPolicy="Never"))
    await bench.clock.advance(30)
    never = bench.client.find(PODS, "never")
    assert never is not None and bench.node_of("low") == "n1"
    message = "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."
    assert never["status"]["conditions"][0]["message"] == message


async def test_a_gated_pod_goes_when_its_gates_are_gone(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("gated", schedulingGates=[{"name": "wait"}]))
    await bench.clock.advance(1)
    await bench.client.patch(PODS, "gated", {"spec": {"schedulingGates": None}}, "default")
    await bench.clock.advance(0.1)
    assert bench.node_of("gated") == "n1"


def apart(name: str, **term: Any) -> dict[str, Any]:
    selector = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}, **term}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [selector]}}
    made = pod(name, cpu="10m", affinity=affinity)
    return {**made, "metadata": {"name": name, "labels": {"app": "web"}}}


HOST = {"metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}}, "status": ROOM}


async def test_a_pod_kept_away_by_another_goes_when_that_one_is_another(bench: Bench) -> None:
    bench.client.add(NODES, HOST)
    bench.client.add(PODS, apart("a"))
    await bench.clock.advance(0.1)
    bench.client.add(PODS, apart("b"))
    await bench.clock.advance(5)
    assert bench.node_of("b") is None
    await bench.client.patch(PODS, "a", {"metadata": {"labels": {"app": "db"}}}, "default")
    await bench.clock.advance(0.1)
    assert bench.node_of("b") is None  # a still wants no web beside it
    await bench.client.delete(PODS, "a", "default", grace_seconds=0)
    await bench.clock.advance(10)
    assert bench.node_of("b") == "n1"


async def test_a_namespace_that_changes_its_labels_lets_a_pod_in(bench: Bench) -> None:
    bench.client.add(NODES, HOST)
    bench.client.add(NAMESPACES, {"metadata": {"name": "default", "labels": {"team": "x"}}})
    bench.client.add(PODS, apart("a", namespaceSelector={"matchLabels": {"team": "x"}}))
    await bench.clock.advance(0.1)
    bench.client.add(PODS, apart("b", namespaceSelector={"matchLabels": {"team": "x"}}))
    await bench.clock.advance(5)
    assert bench.node_of("b") is None
    await bench.client.patch(NAMESPACES, "default", {"metadata": {"labels": {"team": "y"}}})
    await bench.clock.advance(10)
    assert bench.node_of("b") == "n1"


async def test_a_pod_made_smaller_makes_room(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("a"))
    await bench.clock.advance(0.1)
    bench.client.add(PODS, pod("b"))
    await bench.clock.advance(5)
    await bench.client.patch(PODS, "a", {"spec": {"containers": pod("a", "100m")["spec"]["containers"]}}, "default")
    await bench.clock.advance(0.1)
    assert bench.node_of("b") == "n1"


async def test_a_pod_is_not_in_its_own_way_when_it_is_explained(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("a"))
    await bench.clock.advance(0.1)
    placed = bench.scheduler.pods.get("default/a")
    assert placed is not None
    message, verdicts = explained(PodInfo(placed), bench.scheduler.cache)
    assert (message, [verdict.node for verdict in verdicts]) == ("n1 scores best", ["n1"])
    assert bench.scheduler.cache.counts(str(placed.metadata.uid))


async def test_who_asks_why_hears_of_gates_other_schedulers_and_preemption(bench: Bench) -> None:
    bench.client.add(NODES, {"metadata": {"name": "n1"}, "status": ROOM})
    bench.client.add(PODS, pod("low", priority=1))
    await bench.clock.advance(0.1)
    bench.client.add(PODS, pod("gated", schedulingGates=[{"name": "wait"}], priority=5))
    bench.client.add(PODS, pod("theirs", "1m", schedulerName="other"))
    await bench.clock.advance(0.1)

    def told(name: str) -> str:
        found = bench.scheduler.pods.get(f"default/{name}")
        assert found is not None
        return explained(PodInfo(found), bench.scheduler.cache)[0]

    assert told("gated") == "held back by scheduling gates: wait. preemption: default/low would leave n1 for it."
    assert told("theirs") == "left to the scheduler other."
