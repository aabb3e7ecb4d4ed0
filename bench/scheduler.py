"""Pods placed a second of CPU: the scheduler alone, its API server a cluster in memory.

    python -m bench.scheduler [--nodes 100] [--there 5000] [--new 500]

`decision` is the pure cycle; `whole` the loop with its informers, bindings and events, and the cluster in memory
itself, whose share is shown: the same writes and watches with nothing decided. Seconds are those of the CPU.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.table import show
from podling.client.codec import typed
from podling.client.events import EventRecorder
from podling.client.fake import FakeClient
from podling.client.informer import Informer
from podling.client.resource import BINDINGS, EVENTS, NODES, PODS
from scheduler.cache import Cache
from scheduler.cycle import Cycle, by_node, decide
from scheduler.pod_info import PodInfo
from scheduler.preemption import preempt
from scheduler.scheduler import NAME, Scheduler

Data = dict[str, Any]
SECONDS = 60.0
APPS = 50
APP = {"matchLabels": {"app": "new"}}
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def spread(key: str, skew: int) -> Data:
    return {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": APP}


def apart(kind: str, key: str) -> Data:
    return {"affinity": {kind: {REQUIRED: [{"topologyKey": key, "labelSelector": APP}]}}}


KINDS: dict[str, Data] = {
    "plain": {},
    "spread over zones and hosts": {"topologySpreadConstraints": [spread(ZONE, 1), spread(HOST, 3)]},
    "anti-affinity": apart("podAntiAffinity", HOST),
    "affinity to a zone": apart("podAffinity", ZONE),
}


def node(number: int) -> Data:
    labels = {HOST: f"n{number}", ZONE: f"z{number % 3}"}
    room = {"cpu": "64", "memory": "256Gi", "pods": "250", "ephemeral-storage": "1Ti"}
    return {"metadata": {"name": f"n{number}", "labels": labels}, "status": {"allocatable": room}}


def pod(name: str, app: str, **spec: Any) -> Data:
    requests = {"cpu": "100m", "memory": "128Mi"}
    container = {"name": "c", "image": "busybox", "resources": {"requests": requests}}
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": {"app": app}}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


def there(nodes: int, count: int) -> list[Data]:
    """Every tenth app keeps its own pods apart, so that newcomers meet others' rules too."""
    made = []
    for number in range(count):
        app = f"app{number % APPS}"
        own = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": app}}}
        more = {"affinity": {"podAntiAffinity": {REQUIRED: [own]}}} if number % APPS % 10 == 0 else {}
        made.append(pod(f"there{number}", app, nodeName=f"n{number % nodes}", **more))
    return made


def decision(nodes: int, count: int, new: int, spec: Data) -> float:
    """Decisions a second; each is counted before the next is made."""
    cache = filled(nodes, count)
    pods = [PodInfo(typed(pod(f"new{number}", "new", **spec), PODS.type)) for number in range(new)]
    started = time.process_time()
    for each in pods:
        placement = decide(Cycle(each, cache.snapshot))
        if placement.node:
            cache.assume(each, placement.node)
    return new / (time.process_time() - started)


def preemptions(nodes: int, count: int) -> float:
    """A second: every node is full, and none of its pods may stay."""
    cache = filled(nodes, count)
    wanted = PodInfo(typed(pod("new", "new", priority=1, nodeSelector={}), PODS.type))
    wanted.requests["cpu"] = 63_950
    started, times = time.process_time(), 3
    for _ in range(times):
        cycle = Cycle(wanted, cache.snapshot)
        assert preempt(cycle, by_node(decide(cycle))).victims
    return times / (time.process_time() - started)


def filled(nodes: int, count: int) -> Cache:
    cache = Cache()
    for number in range(nodes):
        cache.set_node(f"n{number}", typed(node(number), NODES.type))
    for data in there(nodes, count):
        cache.set_pod(None, typed(data, PODS.type))
    return cache


def cluster(nodes: int, count: int) -> FakeClient:
    client = FakeClient()
    for number in range(nodes):
        client.add(NODES, node(number))
    for data in there(nodes, count):
        client.add(PODS, data)
    return client


async def whole(nodes: int, count: int, new: int, spec: Data) -> float:
    """Pods bound a second."""
    client = cluster(nodes, count)
    scheduler = Scheduler(client, EventRecorder(client, NAME))
    task = asyncio.create_task(scheduler.run())
    await scheduler.pods.synced()
    started = time.process_time()
    for number in range(new):
        client.add(PODS, pod(f"new{number}", "new", **spec))
    await until(lambda: all(bound(client, number) for number in range(new)))
    seconds = time.process_time() - started
    await stopped(task)
    return new / seconds


async def floor(nodes: int, count: int, new: int) -> float:
    """The same traffic with nothing decided: every pod goes to the next node."""
    client = cluster(nodes, count)
    pods = Informer(client, PODS)
    task = asyncio.create_task(pods.run())
    await pods.synced()
    started = time.process_time()
    for number in range(new):
        client.add(PODS, pod(f"new{number}", "new"))
    for number in range(new):
        name, target = f"new{number}", {"target": {"name": f"n{number % nodes}"}}
        await client.create(BINDINGS, target, "default", name=name, subresource="binding")
        await client.create(
            EVENTS, {"metadata": {"name": name}, "reason": "Scheduled", "involvedObject": {}}, "default"
        )
    await until(lambda: all(bound(client, number) for number in range(new)))
    seconds = time.process_time() - started
    await stopped(task)
    return new / seconds


def bound(client: FakeClient, number: int) -> bool:
    found = client.find(PODS, f"new{number}")
    return bool(found and found["spec"].get("nodeName"))


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + SECONDS
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.01)


async def stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


async def rows(nodes: int, count: int, new: int) -> list[list[object]]:
    found: list[list[object]] = []
    for name, spec in KINDS.items():
        most = min(new, nodes) if name == "anti-affinity" else new
        run: Callable[[], Awaitable[float]] = lambda m=most, s=spec: whole(nodes, count, m, s)  # noqa: E731
        found.append([name, decision(nodes, count, most, spec), await run()])
    found.append(["nothing decided", "", await floor(nodes, count, new)])
    found.append(["preemption, 50 victims a node", preemptions(nodes, count), ""])
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--there", type=int, default=5000)
    parser.add_argument("--new", type=int, default=500)
    said = parser.parse_args()
    title = f"{said.nodes} nodes, {said.there} pods there: pods placed a second of CPU"
    show(title, ["kind", "decision", "whole"], asyncio.run(rows(said.nodes, said.there, said.new)))
