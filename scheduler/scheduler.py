"""The loop: take the next pod, place it, bind it through the API; or make room for it, or say why not.

Decisions are made one after another, so that each sees what the last one took; what they lead to is written beside, a
few at a time. The scheduler writes `spec.nodeName` (by the binding subresource), the PodScheduled condition and
`status.nominatedNodeName`; and it deletes the pods that others preempt.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from lightkube.models.core_v1 import Pod

from podling.api.errors import ApiError, Conflict, NotFound
from podling.client.client import Client
from podling.client.events import EventRecorder
from podling.client.informer import Informer
from podling.client.resource import NAMESPACES, NODES, PODS, SERVICES
from podling.loop.clock import Clock, RealClock
from scheduler.cache import ENDED, Cache
from scheduler.cycle import Cycle, Placement, by_node, decide
from scheduler.plugins import WOKEN_BY, plugin
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption, preempt
from scheduler.queue import SchedulingQueue
from scheduler.writer import Writer

log = logging.getLogger(__name__)
NAME = "default-scheduler"
MOST_WRITES = 32


class Scheduler:
    def __init__(self, client: Client, recorder: EventRecorder, clock: Clock | None = None) -> None:
        self._recorder, self._clock = recorder, clock or RealClock()
        self._writer = Writer(client, recorder, self._clock)
        self.cache = Cache()
        self.pods = Informer(client, PODS, clock=clock)
        self.nodes = Informer(client, NODES, clock=clock)
        self._namespaces = Informer(client, NAMESPACES, clock=clock)
        self._services = Informer(client, SERVICES, clock=clock)
        self.queue = SchedulingQueue(self._clock.monotonic, lambda name, change: change in WOKEN_BY[name])
        self._changed = asyncio.Event()
        self._writing = asyncio.Semaphore(MOST_WRITES)
        self._writes: set[asyncio.Task[None]] = set()
        self._preempting: set[str] = set()  # uids of pods whose victims are being told to go
        self.pods.on_change(self._pod_changed)
        self.nodes.on_change(self._node_changed)
        self._namespaces.on_change(self._namespace_changed)
        self._services.on_change(self._service_changed)

    @property
    def informers(self) -> Sequence[Informer[Any]]:
        return self.nodes, self._namespaces, self._services, self.pods

    async def run(self) -> None:
        """Until cancelled; a binding on its way is then finished by nobody, and found unbound by the next scheduler."""
        async with asyncio.TaskGroup() as group:
            for part in (*(informer.run() for informer in self.informers), self._recorder.run(), self._decide()):
                group.create_task(part)

    def _pod_changed(self, key: str, old: Pod | None, new: Pod | None) -> None:
        for change in self.cache.set_pod(old, new):
            self.queue.wake(change)
        if new is not None and waits(new):
            changed = old is None or old.spec != new.spec or old.metadata.labels != new.metadata.labels
            if changed and not self.cache.counts(str(new.metadata.uid)):
                self._enqueue(key, new)
        else:
            self.queue.remove(key)
        self._changed.set()

    def _node_changed(self, name: str, old: Any, new: Any) -> None:
        self.cache.set_node(name, new)
        if old is None or new is None or _matters(old) != _matters(new):
            self.queue.wake(plugin.NODE)
        self._changed.set()

    def _namespace_changed(self, name: str, old: Any, new: Any) -> None:
        self.cache.set_namespace(name, None if new is None else new.metadata.labels or {})
        if old is None or new is None or old.metadata.labels != new.metadata.labels:
            self.queue.wake(plugin.NAMESPACES)
            self._changed.set()

    def _service_changed(self, key: str, old: Any, new: Any) -> None:
        namespace, _, name = key.partition("/")
        self.cache.set_service(namespace, name, new)

    def _enqueue(self, key: str, pod: Pod) -> None:
        self.queue.add(key, pod.spec.priority or 0, _created(pod))

    async def _decide(self) -> None:
        for informer in self.informers:
            await informer.synced()
        while True:
            self._changed.clear()
            while (key := self.queue.pop()) is not None:
                pod = self.pods.get(key)
                if pod is not None and waits(pod):
                    self._decide_one(key, PodInfo(pod))
                await asyncio.sleep(0)
            due = self.queue.next_due()
            await self._sleep(None if due is None else max(0.0, due - self._clock.monotonic()))

    async def _sleep(self, seconds: float | None) -> None:
        waits_for: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        if seconds is not None:
            waits_for.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(waits_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in waits_for:
                waiting.cancel()

    def _decide_one(self, key: str, pod: PodInfo) -> None:
        if pod.uid in self._preempting:
            self._refuse(key, pod, frozenset())  # look again when its victims have been told
            return
        cycle = Cycle(pod, self.cache.snapshot)
        placement = decide(cycle)
        if placement.node:
            self.cache.nominate(pod, "")
            self.cache.assume(pod, placement.node)
            self.queue.wake(plugin.PODS)
            self._start(self._bind(key, pod, placement.node))
            return
        # Without any node no filter has refused: the first node wakes.
        self._refuse(key, pod, placement.refused_by or frozenset({"NodeName"}))
        preemption = preempt(cycle, by_node(placement)) if placement.verdicts else Preemption("", (), "")
        if preemption.node:
            self._make_room(pod, preemption)
        self._start(self._report(key, pod, placement, preemption))

    def _refuse(self, key: str, pod: PodInfo, refused_by: frozenset[str]) -> None:
        self.queue.refuse(key, pod.priority, _created(pod.pod), refused_by)

    def _make_room(self, pod: PodInfo, preemption: Preemption) -> None:
        """Less important pods that wait for the same node must look elsewhere."""
        waiting = self.cache.snapshot.nominated.get(preemption.node, {})
        for other in [other for other in waiting.values() if other.priority < pod.priority]:
            self.cache.nominate(other, "")
            self._start(self._writer.withdraw(other.pod))
        self.cache.nominate(pod, preemption.node)
        self._preempting.add(pod.uid)

    def _start(self, write: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with self._writing:
                await write

        task = asyncio.ensure_future(bounded())
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _bind(self, key: str, pod: PodInfo, node: str) -> None:
        try:
            await self._writer.bind(key, pod.pod, node)
        except (NotFound, Conflict) as error:
            log.info("pod not bound pod=%s node=%s error=%s", key, node, error)
            self.cache.forget(pod.uid)
            self.cache.set_pod(None, self.pods.get(key))  # it may be bound already, to another node
        except ApiError as error:
            log.warning("binding failed pod=%s node=%s error=%s", key, node, error)
            self.cache.forget(pod.uid)
            self._refuse(key, pod, frozenset())
            self._changed.set()

    async def _report(self, key: str, pod: PodInfo, placement: Placement, preemption: Preemption) -> None:
        """The victims are told first: a scheduler killed in between finds the pod as it was, and decides anew."""
        node, message = preemption.node, placement.message
        if preemption.message:
            message = f"{message} preemption: {preemption.message}"
        try:
            await asyncio.gather(*(self._writer.evict(victim.pod, pod.pod, node) for victim in preemption.victims))
        except ApiError as error:
            log.warning("preemption failed pod=%s node=%s error=%s", key, node, error)
            node = ""
            self.cache.nominate(pod, "")
        finally:
            self._preempting.discard(pod.uid)
        kept = pod.nominated_node if preemption.keeps_nomination else ""
        await self._writer.report(key, pod.pod, message, node or kept)


def waits(pod: Pod) -> bool:
    """Ours to place, and not placed, ended, being deleted or held back by a gate."""
    ended = pod.status is not None and pod.status.phase in ENDED
    ours = (pod.spec.schedulerName or NAME) == NAME and not pod.spec.schedulingGates
    return ours and not (pod.spec.nodeName or ended or pod.metadata.deletionTimestamp)


def _created(pod: Pod) -> float:
    created = pod.metadata.creationTimestamp
    return created.timestamp() if created else 0.0


def _matters(node: Any) -> tuple[Any, ...]:
    """What of a node a filter reads: a heartbeat changes none of it."""
    spec, status = node.spec, node.status
    return node.metadata.labels, spec and (spec.unschedulable, spec.taints), status and status.allocatable
