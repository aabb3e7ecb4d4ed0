"""Probes the running containers of this node's pods, each at its own pace.

    PodWorker.look ──follow──▶ one task a probe of each running instance ──▶ verdict turns ──▶ the pod is looked at

Verdicts belong to an instance: a restarted container starts without any. A kubelet that starts anew takes readiness and
started from the status in the API, so that its own restart makes nothing unready.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubelet.handlers import Answer, Handlers, Place
from kubelet.machine import Failing
from kubelet.probes import ProbeSpec, Streak, probes_of
from kubelet.runtime import ContainerSeen, PodSeen, State
from kubelet.wanted import Health, containers_of
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
WORDS = {"startup": "Startup", "liveness": "Liveness", "readiness": "Readiness"}
Tell = Callable[[str, str, str, str], None]


@dataclass
class Instance:
    id: str
    name: str
    is_ready: bool
    started: asyncio.Event = field(default_factory=asyncio.Event)
    failing: Failing | None = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def end(self) -> None:
        for task in self.tasks:
            task.cancel()


class Prober:
    """Of one pod. `tell` records an event, `poke` has the pod looked at."""

    def __init__(self, handlers: Handlers, clock: Clock, tell: Tell, poke: Callable[[], None]) -> None:
        self._handlers, self._clock, self._tell, self._poke = handlers, clock, tell, poke
        self._instances: dict[str, Instance] = {}

    def follow(self, pod: Any, seen: PodSeen, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Probe what runs, and no longer what does not. `told` are the container statuses that the API has, by name."""
        by_name = {container.name: container for container in containers_of(pod)}
        running = {each.id: each for each in seen.containers if each.state is State.RUNNING and each.name in by_name}
        for id in [id for id in self._instances if id not in running]:
            self._instances.pop(id).end()
        for id, each in running.items():
            if id not in self._instances:
                self._instances[id] = self._begin(by_name[each.name], each, seen, told.get(each.name, {}))

    def end(self) -> None:
        for instance in self._instances.values():
            instance.end()
        self._instances.clear()

    def readiness(self) -> Mapping[str, bool]:
        return {each.name: each.is_ready and each.started.is_set() for each in self._instances.values()}

    def health(self) -> Health:
        return Health(
            [each.failing for each in self._instances.values() if each.failing],
            frozenset(id for id, each in self._instances.items() if not each.started.is_set()),
        )

    def _begin(self, container: Any, seen: ContainerSeen, pod: PodSeen, told: Mapping[str, Any]) -> Instance:
        specs = {spec.kind: spec for spec in probes_of(container)}
        is_known = told.get("containerID") == f"docker://{seen.id}"
        instance = Instance(seen.id, seen.name, "readiness" not in specs or (is_known and bool(told.get("ready"))))
        if "startup" not in specs or (is_known and told.get("started")):
            instance.started.set()
            specs.pop("startup", None)
        ip = next((sandbox.ip for sandbox in pod.sandboxes if sandbox.id == seen.sandbox_id), "")
        place = Place(pod.ref, container, ip)
        for spec in specs.values():
            instance.tasks.append(asyncio.create_task(self._probe(instance, spec, place, seen)))
        return instance

    async def _probe(self, instance: Instance, spec: ProbeSpec, place: Place, seen: ContainerSeen) -> None:
        streak = Streak(spec.success_threshold, spec.failure_threshold)
        if spec.kind == "readiness" and instance.is_ready:
            streak.verdict = True
        ran = (self._clock.now() - seen.started_at).total_seconds() if seen.started_at else 0.0
        await self._clock.sleep(max(0.0, spec.initial_delay - ran))
        if spec.kind != "startup":
            await instance.started.wait()
        while True:
            answer = await self._handlers.run(spec.handler, place, spec.timeout)
            if not answer.succeeded:
                self._tell("Warning", "Unhealthy", f"{WORDS[spec.kind]} probe failed: {answer.message}", instance.name)
            if streak.record(answer.succeeded):
                self._judge(instance, spec, answer)
                if spec.kind == "startup" or (spec.kind == "liveness" and not answer.succeeded):
                    return
            await self._clock.sleep(spec.period)

    def _judge(self, instance: Instance, spec: ProbeSpec, answer: Answer) -> None:
        if spec.kind == "readiness":
            instance.is_ready = answer.succeeded
        elif not answer.succeeded:
            instance.failing = Failing(instance.id, spec.kind, spec.grace_seconds)
        elif spec.kind == "startup":
            instance.started.set()
        log.info("probe turned kind=%s container=%s succeeded=%s", spec.kind, instance.name, answer.succeeded)
        self._poke()
