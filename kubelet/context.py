"""What the parts that see to one pod share: its newest object, what is kept in mind of it, and the node's tools.

PodWorker ──▶ starting, stopping, reporting ──▶ PodContext ──▶ Tools, shared by all pods of the node
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kubelet.launcher import Launcher
from kubelet.machine import SANDBOX, Wanted
from kubelet.memory import Failure, Hold, Memory
from kubelet.probes.handlers import Handlers
from kubelet.probes.prober import Prober
from kubelet.runtime import PodRef, PodSeen, Runtime
from kubelet.status_writer import StatusWriter
from kubelet.volumes.volumes import Volumes
from kubelet.wanted import TERMINAL, NodeFacts, field_path, orphan, wanted_of
from podling.client.client import Client
from podling.client.codec import plain
from podling.client.events import EventRecorder, reference
from podling.loop.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """What all pods of the node share. `starts` bounds how many containers the engine starts at once."""

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
    admitted: Callable[[], Sequence[Any]] = tuple  # the pods that the node has taken, as long as they are not over
    preempt: Callable[[str], None] = lambda uid: None  # a pod ends to make room for one that the system needs


class PodContext:
    """`pod` is the newest that the API told, None when it knows none (any more); `last_pod` the last that was known.
    `told` is the same, with what is wanted where `pod` has what the node admitted of it: they differ while a resize
    waits. `status` is what was reported last. `changed` is set by news of the pod, `left` when it leaves; `poke` has it
    looked at again."""

    def __init__(self, ref: PodRef, tools: Tools, poke: Callable[[], None]) -> None:
        self.ref, self.tools, self.poke = ref, tools, poke
        self.pod: Any | None = None
        self.told: Any | None = None
        self.last_pod: Any | None = None
        self.memory = Memory()
        self.status: Mapping[str, Any] = {}
        self.changed, self.left = asyncio.Event(), asyncio.Event()
        self.prober = Prober(tools.handlers, tools.clock, self.event, self._probe_turned)

    def tell(self, pod: Any | None) -> None:
        """The API's newest of this pod."""
        self.told = self.pod = pod
        self.last_pod = pod or self.last_pod
        self.changed.set()
        if pod is None or pod.metadata.deletionTimestamp:
            self.left.set()

    def wanted(self) -> Wanted:
        if self.pod is None:
            return orphan(self.ref, self.last_pod, self.memory)
        return wanted_of(self.pod, self.memory, self.prober.health())

    def holds_its_place(self) -> bool:
        """The node has taken the pod, in this kubelet's life or before it, and it is not over."""
        pod, phase = self.pod, self.status.get("phase")
        if pod is None or self.memory.failure or phase in TERMINAL:
            return False
        told = pod.status
        return self.memory.admitted or bool(told and told.startTime and told.phase not in TERMINAL)

    def follow_probes(self, seen: PodSeen) -> None:
        if self.pod is None:
            self.prober.end()
            return
        told = plain(self.pod.status) or {}
        statuses = [*told.get("initContainerStatuses", ()), *told.get("containerStatuses", ())]
        is_ending = self.left.is_set() or self.memory.failure is not None
        self.prober.follow(self.pod, seen, {each["name"]: each for each in statuses}, is_ending=is_ending)

    def _probe_turned(self) -> None:
        self.changed.set()
        self.poke()

    def fail(self, failure: Failure) -> None:
        """The pod ends: its containers are stopped, its phase is Failed. What failed first counts."""
        if self.memory.failure is None and self.pod is not None:
            self.memory.failure = failure
            self.changed.set()
            self.poke()

    def hold_pod(self, key: str, at_once: bool = False) -> None:
        """No member starts for a while, a longer one with each failure of `key`; `at_once`: until the next look, where
        what it failed for has changed meanwhile."""
        now = self.tools.clock.now()
        until = now + timedelta(seconds=0 if at_once else self.memory.failures.grow(key, now))
        self.memory.holds[SANDBOX] = Hold(now, until)

    def event(self, type_: str, reason: str, message: str, container: str = "") -> None:
        """Of the pod, or of one of its containers."""
        pod = self.pod or self.last_pod
        if pod is None:
            return
        path = field_path(pod, container) if container else ""
        self.tools.events.event(reference("Pod", pod.metadata, field_path=path), type_, reason, message)

    def log(self, what: str, more: str = "") -> None:
        log.info("%s pod=%s/%s uid=%s %s", what, self.ref.namespace, self.ref.name, self.ref.uid, more)
