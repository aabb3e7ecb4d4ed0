"""Probes the running containers of this node's pods, each at its own pace.

    PodWorker.look ──follow──▶ one task a probe of each running instance ──▶ verdict turns ──▶ the pod is looked at

Verdicts belong to an instance: a restarted container starts without any. A kubelet that starts anew takes readiness and
started from the status in the API, so that its own restart makes nothing unready, and spreads its first probes. Of a
pod that ends only readiness is asked on. Source: k8s.io/kubernetes/pkg/kubelet/prober.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubelet.machine import Failing
from kubelet.probes.handlers import Handlers, Place
from kubelet.probes.probes import Answer, Outcome, ProbeSpec, Streak, event_of, next_due, probes_of
from kubelet.runtime import ContainerSeen, PodRef, PodSeen, State
from kubelet.wanted import Health, containers_of
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
MOST_TRIES = 3  # in a row, of a probe that could not be asked at all
Tell = Callable[[str, str, str, str], None]


@dataclass
class Instance:
    ref: PodRef
    id: str
    name: str
    is_ready: bool
    started: asyncio.Event = field(default_factory=asyncio.Event)
    failing: Failing | None = None
    tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()

    def calm(self) -> None:
        """Nothing ends it any more but its pod."""
        self.failing = None
        for kind, task in self.tasks.items():
            if kind != "readiness":
                task.cancel()


class Prober:
    """Of one pod. `tell` records an event, `turned` hears of verdicts that turned."""

    def __init__(self, handlers: Handlers, clock: Clock, tell: Tell, turned: Callable[[], None]) -> None:
        self._handlers, self._clock, self._tell, self._turned = handlers, clock, tell, turned
        self._instances: dict[str, Instance] = {}

    def follow(self, pod: Any, seen: PodSeen, told: Mapping[str, Mapping[str, Any]], *, is_ending: bool) -> None:
        """Probe what runs, and no longer what does not. `told` are the container statuses that the API has, by name."""
        by_name = {container.name: container for container in containers_of(pod)}
        running = {each.id: each for each in seen.containers if each.state is State.RUNNING and each.name in by_name}
        for id in [id for id in self._instances if id not in running]:
            self._instances.pop(id).end()
        for id, each in running.items():
            if id not in self._instances:
                self._instances[id] = self._begin(by_name[each.name], each, seen, told.get(each.name, {}))
            if is_ending:
                self._instances[id].calm()

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
        instance = Instance(
            pod.ref, seen.id, seen.name, "readiness" not in specs or (is_known and bool(told.get("ready")))
        )
        if "startup" not in specs or (is_known and told.get("started")):
            instance.started.set()
            specs.pop("startup", None)
        ip = next((sandbox.ip for sandbox in pod.sandboxes if sandbox.id == seen.sandbox_id), "")
        place = Place(pod.ref, container, ip)
        for spec in specs.values():
            ran = (self._clock.now() - seen.started_at).total_seconds() if seen.started_at else 0.0
            wait = spec.initial_delay - ran
            if is_known and told.get("started"):
                wait = max(wait, spec.period * (int(seen.id[:4], 16) / 0x10000))
            probing = self._probe(instance, spec, place, max(0.0, wait))
            instance.tasks[spec.kind] = asyncio.create_task(probing)
        return instance

    async def _probe(self, instance: Instance, spec: ProbeSpec, place: Place, wait: float) -> None:
        streak = Streak(spec.success_threshold, spec.failure_threshold)
        if spec.kind == "readiness" and instance.is_ready:
            streak.verdict = True
        await self._clock.sleep(wait)
        if spec.kind != "startup":
            await instance.started.wait()
        due = self._clock.monotonic()
        while True:
            answer = await self._ask(spec, place)
            if event := event_of(spec.kind, answer):
                self._tell("Warning", *event, instance.name)
            if answer.outcome is not Outcome.UNKNOWN and streak.record(answer.succeeded):
                self._judge(instance, spec, succeeded=answer.succeeded)
                if spec.kind == "startup" or (spec.kind == "liveness" and not answer.succeeded):
                    return
            now = self._clock.monotonic()
            due = next_due(due, spec.period, now)
            await self._clock.sleep(due - now)

    async def _ask(self, spec: ProbeSpec, place: Place) -> Answer:
        for _ in range(MOST_TRIES):
            answer = await self._handlers.probe(spec.handler, place, spec.timeout)
            if answer.outcome is not Outcome.UNKNOWN:
                break
        return answer

    def _judge(self, instance: Instance, spec: ProbeSpec, *, succeeded: bool) -> None:
        if spec.kind == "readiness":
            instance.is_ready = succeeded
        elif not succeeded:
            instance.failing = Failing(instance.id, spec.kind, spec.grace_seconds)
        elif spec.kind == "startup":
            instance.started.set()
        else:
            return  # alive, as before
        where = (*instance.ref[1:], instance.name, spec.kind)
        log.info("probe turned pod=%s/%s container=%s kind=%s succeeded=%s", *where, succeeded)
        self._turned()
