"""One pod's way: look at what is wanted and seen, take the machine's next step, until it is settled.

    Kubelet ──poke──▶ PodWorker.look ──▶ machine.step ──▶ act (runtime, volumes) ──▶ status ──▶ StatusWriter
                          ▲                                   │
                          └──────── again, with what is seen ─┘

One look at a pod at a time; pods look in parallel, and starts share one bound. Nothing here is remembered that matters:
a kubelet killed between any two awaits finds everything again by labels.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kubelet.fields import not_honoured
from kubelet.handlers import Handlers, Place
from kubelet.launcher import Job, Launcher
from kubelet.machine import (
    SANDBOX,
    Action,
    Finish,
    Remove,
    RemoveSandbox,
    Start,
    StartSandbox,
    Stop,
    Wanted,
    current_sandbox,
    is_dead,
    step,
)
from kubelet.memory import Failure, Hold, Memory
from kubelet.prober import Prober
from kubelet.runtime import ContainerError, PodRef, PodSeen, Runtime
from kubelet.status import View, pod_status
from kubelet.status_writer import StatusWriter, with_foreign
from kubelet.volumes.volumes import MountError, Volumes, changes_by_itself
from kubelet.wanted import (
    TERMINAL,
    NodeFacts,
    container_of,
    containers_of,
    field_path,
    orphan,
    sandbox_wanted,
    wanted_of,
)
from podling.api.errors import Conflict, NotFound
from podling.api.meta import parse_time
from podling.client.client import Client
from podling.client.codec import plain
from podling.client.events import EventRecorder, reference
from podling.client.resource import PODS
from podling.loop.clock import Clock
from podling.loop.reconcile import After, Outcome

log = logging.getLogger(__name__)
MOST_STEPS = 200  # of one look: where the engine undoes each step, the node is not to spin
UNSETTLED_SECONDS = 5.0
LEAST_GRACE_SECONDS = 2  # between a preStop hook that took all the time and SIGKILL
REFRESH_SECONDS = 60.0  # how often volumes are compared with their config maps, secrets and tokens


@dataclass(frozen=True)
class Tools:
    """What all pods of the node share."""

    runtime: Runtime
    client: Client
    clock: Clock
    events: EventRecorder
    statuses: StatusWriter
    volumes: Volumes
    launcher: Launcher
    handlers: Handlers
    starts: asyncio.Semaphore
    node: Callable[[], NodeFacts]


class PodWorker:
    """`pod` is the newest that the API told, None when it knows none (any more); `is_done` when nothing is left."""

    def __init__(self, ref: PodRef, tools: Tools, poke: Callable[[], None]) -> None:
        self.ref, self._tools, self._poke = ref, tools, poke
        self.pod: Any | None = None
        self.memory = Memory()
        self.is_done = False
        self._last_pod: Any | None = None
        self._status: dict[str, Any] = {}
        self._changed, self._left = asyncio.Event(), asyncio.Event()
        self._prober = Prober(tools.handlers, tools.clock, self.event, poke)

    def tell(self, pod: Any | None) -> None:
        """The API's newest of this pod."""
        self.pod, self._last_pod = pod, pod or self._last_pod
        self._changed.set()
        if pod is None or pod.metadata.deletionTimestamp:
            self._left.set()

    def close(self) -> None:
        """The kubelet ends; the pod does not."""
        self._prober.end()

    def waiting_reason(self, container: str) -> str:
        told = [*self._status.get("initContainerStatuses", ()), *self._status.get("containerStatuses", ())]
        reasons = [each["state"].get("waiting", {}).get("reason") for each in told if each["name"] == container]
        return next((reason for reason in reasons if reason), "ContainerCreating")

    async def look(self) -> Outcome:
        """Step by step until nothing is left to do now."""
        for _ in range(MOST_STEPS):
            if self.is_done:
                return None
            self._changed.clear()
            seen = await self._tools.runtime.pod(self.ref.uid) or PodSeen(self.ref)
            now = self._tools.clock.now()
            self.memory.release(now)
            self._check_deadline()
            self._follow_probes(seen)
            wanted = self._wanted()
            action = step(wanted, seen, self.memory.held(wanted, seen, now))
            self._report(wanted, seen)
            if action is None:
                await self._refresh_volumes()
                return self._outcome(wanted, seen)
            await self._act(action, wanted, seen)
        self._log("pod does not settle")
        return After(UNSETTLED_SECONDS)

    def _wanted(self) -> Wanted:
        if self.pod is None:
            return orphan(self.ref, self._last_pod, self.memory)
        return wanted_of(self.pod, self.memory, self._prober.health())

    def _follow_probes(self, seen: PodSeen) -> None:
        if self.pod is None or self._left.is_set():
            self._prober.end()
            return
        told = plain(self.pod.status) or {}
        statuses = [*told.get("initContainerStatuses", ()), *told.get("containerStatuses", ())]
        self._prober.follow(self.pod, seen, {each["name"]: each for each in statuses})

    def _outcome(self, wanted: Wanted, seen: PodSeen) -> Outcome:
        waits = [self.memory.next_look(wanted, seen, self._tools.clock.now()), self._deadline_in()]
        if self.pod and changes_by_itself(self.pod) and not wanted.over:
            waits.append(REFRESH_SECONDS)
        due = [seconds for seconds in waits if seconds is not None]
        return After(max(0.001, min(due))) if due else None

    async def _act(self, action: Action, wanted: Wanted, seen: PodSeen) -> None:
        match action:
            case Stop():
                await self._stop(action, seen)
            case Remove(ids):
                await self._flush_if_leaving(wanted)
                await asyncio.gather(*(self._tools.runtime.remove_container(id) for id in ids))
            case RemoveSandbox(id):
                if not wanted.leaving and not wanted.over and current_sandbox(seen) is None:
                    self.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
                dead = next(sandbox for sandbox in seen.sandboxes if sandbox.id == id)
                self.memory.sandbox_attempt = max(self.memory.sandbox_attempt, dead.attempt + 1)
                await self._tools.runtime.remove_sandbox(self.ref.uid, id)
            case StartSandbox(attempt):
                await self._start_sandbox(attempt)
            case Start():
                await self._start(action, seen)
            case Finish():
                await self._finish()

    async def _stop(self, action: Stop, seen: PodSeen) -> None:
        """Ends when all have ended; a shorter grace period, told meanwhile, counts at once."""
        for name in action.members:
            why = f"Container {name} {action.why}" if action.why else f"Stopping container {name}"
            self.event("Normal", "Killing", why, name)
        self._log("pod stops containers", f"containers={','.join(action.members)} grace_seconds={action.grace_seconds}")
        grace, stops = action.grace_seconds, [self._stop_with(action, action.grace_seconds, seen)]
        try:
            while not any(stop.done() for stop in stops):
                await self._wait_for_change(stops)
                wanted = self._wanted()
                if wanted.leaving and wanted.grace_seconds < grace:
                    grace = wanted.grace_seconds
                    stops.append(self._stop_with(action, grace, seen))
            next(stop for stop in stops if stop.done()).result()
        finally:
            for stop in stops:
                stop.cancel()

    async def _wait_for_change(self, stops: Sequence["asyncio.Task[None]"]) -> None:
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            waited: set[asyncio.Future[Any]] = {changed, *stops}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        self._changed.clear()

    def _stop_with(self, action: Stop, grace_seconds: int, seen: PodSeen) -> "asyncio.Task[None]":
        async def stop_all() -> None:
            members = zip(action.ids, action.members, strict=True)
            await asyncio.gather(*(self._stop_one(id, name, grace_seconds, seen) for id, name in members))

        return asyncio.create_task(stop_all())

    async def _stop_one(self, id: str, name: str, grace_seconds: int, seen: PodSeen) -> None:
        """The preStop hook first; it takes its time from the grace period, of which a little always stays."""
        pod, clock = self.pod or self._last_pod, self._tools.clock
        container = next((each for each in containers_of(pod) if each.name == name), None) if pod else None
        handler = container.lifecycle.preStop if container and container.lifecycle else None
        if handler and self.pod and grace_seconds > 0:
            began = clock.monotonic()
            sandbox = current_sandbox(seen)
            place = Place(self.ref, container, sandbox.ip if sandbox else "")
            answer = await self._tools.handlers.run(handler, place, grace_seconds)
            if not answer.succeeded:
                self._log("hook failed", f"container={name} error={answer.message}")
                self.event("Warning", "FailedPreStopHook", "PreStopHook failed", name)
            grace_seconds = max(LEAST_GRACE_SECONDS, grace_seconds - int(clock.monotonic() - began))
        await self._tools.runtime.stop_container(id, grace_seconds)

    async def _start_sandbox(self, attempt: int) -> None:
        pod = self.pod
        if pod is None or not await self._prepare_volumes(pod):
            return
        self._tell_fields(pod)
        self._log("pod starting", f"attempt={attempt}")
        try:
            async with self._tools.starts:
                await self._tools.runtime.start_sandbox(sandbox_wanted(pod, attempt, self._tools.node()))
        except ContainerError as error:
            self.event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error.message}")
            self._hold_pod("sandbox")
        else:
            self.memory.failures.by_key.pop("sandbox", None)

    async def _start(self, action: Start, seen: PodSeen) -> None:
        pod = self.pod
        if pod is None or (self.memory.volumes_at is None and not await self._prepare_volumes(pod)):
            if pod:  # without its volumes no member may start
                for launch in action.launches:
                    self.memory.holds[launch.member] = self.memory.holds[SANDBOX]
            return
        ip = next((sandbox.ip for sandbox in seen.sandboxes if sandbox.id == action.sandbox_id), "")
        ended = {each.name for each in seen.containers if is_dead(each)}
        jobs = [
            Job(
                pod, self.memory, self.event, self._poke, action.sandbox_id, ip, *each, each.member in ended, self._left
            )
            for each in action.launches
        ]
        await asyncio.gather(*(self._tools.launcher.launch(job) for job in jobs))

    async def _prepare_volumes(self, pod: Any) -> bool:
        """False: they cannot be had now, and the pod is held."""
        try:
            await self._tools.volumes.prepare(pod, self._tools.launcher.facts(pod, ""))
        except MountError as error:
            message = f'MountVolume.SetUp failed for volume "{error.volume}" : {error.message}'
            self.event("Warning", "FailedMount", message)
            self._hold_pod("volumes")
            return False
        self.memory.volumes_at = self._tools.clock.now()
        self.memory.failures.by_key.pop("volumes", None)
        return True

    async def _refresh_volumes(self) -> None:
        pod, at = self.pod, self.memory.volumes_at
        if pod is None or not changes_by_itself(pod) or self._wanted().leaving or self._wanted().over:
            return
        if SANDBOX in self.memory.holds:
            return
        if at is None or self._tools.clock.now() - at >= timedelta(seconds=REFRESH_SECONDS):
            await self._prepare_volumes(pod)

    async def _finish(self) -> None:
        """Nothing runs any more: the disk, then the API."""
        uid, pod = self.ref.uid, self.pod
        self._tools.launcher.forget(uid)
        self._prober.end()
        await self._tools.volumes.remove(uid)
        if pod is not None:
            await self._tools.statuses.flush(uid)
            self._log("pod gone")
            try:
                await self._tools.client.delete(PODS, self.ref.name, self.ref.namespace, grace_seconds=0, uid=uid)
            except (NotFound, Conflict) as error:
                log.debug("pod is no longer in the API pod=%s uid=%s error=%s", self.ref.name, uid, error)
        self.is_done = True

    async def _flush_if_leaving(self, wanted: Wanted) -> None:
        """How the containers ended must be written before the engine forgets it."""
        if wanted.leaving and self.pod is not None:
            await self._tools.statuses.flush(self.ref.uid)

    def _report(self, wanted: Wanted, seen: PodSeen) -> None:
        pod = self.pod
        if pod is None:
            return
        now = self._tools.clock.now()
        told = plain(pod.status) or {}
        old = with_foreign(self._status, told) if self._status else told
        if told.get("phase") in TERMINAL:
            old |= {key: told[key] for key in ("phase", "reason", "message") if key in told}
        waiting = self.memory.waiting(wanted, seen, now)
        readiness = self._prober.readiness()
        view = View(now, self._tools.node().host_ips, waiting, self.memory.failure, readiness)
        self._status = pod_status(pod, wanted, seen, old, view)
        self._tools.statuses.set(pod, self._status)
        for name, wait in waiting.items():
            if wait.reason in ("CrashLoopBackOff", "ImagePullBackOff") and not wanted.leaving:
                self._tell_back_off(pod, name, wait.reason, seen)

    def _tell_back_off(self, pod: Any, name: str, reason: str, seen: PodSeen) -> None:
        attempts = [each.attempt for each in seen.containers if each.name == name]
        pulls = self.memory.pulls.by_key.get(name)
        key = f"{reason}/{name}/{max(attempts, default=-1)}/{pulls}"
        if key in self.memory.told:
            return
        self.memory.told = {each for each in self.memory.told if not each.startswith(f"{reason}/{name}/")} | {key}
        if reason == "CrashLoopBackOff":
            where = f"{self.ref.name}_{self.ref.namespace}({self.ref.uid})"
            self.event("Warning", "BackOff", f"Back-off restarting failed container {name} in pod {where}", name)
            return
        image = container_of(pod, name).image
        self.event("Normal", "BackOff", f'Back-off pulling image "{image}"', name)
        self.event("Warning", "Failed", "Error: ImagePullBackOff", name)

    def _check_deadline(self) -> None:
        left = self._deadline_in()
        if left is not None and left <= 0 and self.memory.failure is None:
            message = "Pod was active on the node longer than the specified deadline"
            self.memory.failure = Failure("DeadlineExceeded", message)
            self.event("Normal", "DeadlineExceeded", message)

    def _deadline_in(self) -> float | None:
        """Seconds left of activeDeadlineSeconds; None when there is none, or the pod is over."""
        pod, started = self.pod, self._status.get("startTime")
        if pod is None or pod.spec.activeDeadlineSeconds is None or self.memory.failure:
            return None
        if self._status.get("phase") in TERMINAL:
            return None
        if started is None:
            started = (plain(pod.status) or {}).get("startTime")
        if started is None:
            return None
        end = parse_time(started) + timedelta(seconds=pod.spec.activeDeadlineSeconds)
        return (end - self._tools.clock.now()).total_seconds()

    def _hold_pod(self, key: str) -> None:
        now = self._tools.clock.now()
        until = now + timedelta(seconds=self.memory.failures.grow(key, now))
        self.memory.holds[SANDBOX] = Hold(now, until)

    def _tell_fields(self, pod: Any) -> None:
        ignored = not_honoured(pod)
        if ignored and "fields" not in self.memory.told:
            self.memory.told.add("fields")
            self.event("Warning", "FieldNotSupported", f"podling does not honour yet: {', '.join(ignored)}")

    def event(self, type_: str, reason: str, message: str, container: str = "") -> None:
        pod = self.pod or self._last_pod
        if pod is None:
            return
        path = field_path(pod, container) if container else ""
        self._tools.events.event(reference("Pod", pod.metadata, field_path=path), type_, reason, message)

    def _log(self, what: str, more: str = "") -> None:
        log.info("%s pod=%s/%s uid=%s %s", what, self.ref.namespace, self.ref.name, self.ref.uid, more)
