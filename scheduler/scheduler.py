"""The loop: take the next pod, place it, bind it through the API.

Decisions are made one after another, so that each sees what the last one took; bindings are written beside, a few at a
time. The scheduler writes `spec.nodeName` (by the binding subresource) and the PodScheduled condition, nothing else.
"""

import asyncio
import logging
from typing import Any

from lightkube.models.core_v1 import Pod

from podling.api.errors import ApiError, Conflict, NotFound
from podling.api.meta import timestamp
from podling.client.client import STRATEGIC, Client
from podling.client.events import EventRecorder, reference
from podling.client.informer import Informer
from podling.client.resource import BINDINGS, NODES, PODS
from podling.loop.clock import Clock, RealClock
from scheduler import filters
from scheduler.cache import Cache
from scheduler.cycle import Placement, place
from scheduler.queue import SchedulingQueue
from scheduler.unsupported import unsupported

log = logging.getLogger(__name__)
NAME = "default-scheduler"
MOST_BINDINGS = 32
_WOKEN_BY = {filter_.name: filter_.woken_by for filter_ in filters.FILTERS}


class Scheduler:
    def __init__(self, client: Client, recorder: EventRecorder, clock: Clock | None = None) -> None:
        self._client, self._recorder, self._clock = client, recorder, clock or RealClock()
        self.cache = Cache()
        self.pods = Informer(client, PODS, clock=clock)
        self.nodes = Informer(client, NODES, clock=clock)
        # An empty cluster refuses without any filter: the first node wakes.
        self.queue = SchedulingQueue(self._clock.monotonic, lambda name, change: change in _WOKEN_BY[name])
        self._changed = asyncio.Event()
        self._binding = asyncio.Semaphore(MOST_BINDINGS)
        self._bindings: set[asyncio.Task[None]] = set()
        self.pods.on_change(self._pod_changed)
        self.nodes.on_change(self._node_changed)

    async def run(self) -> None:
        """Until cancelled; a binding on its way is then finished by nobody, and found unbound by the next scheduler."""
        async with asyncio.TaskGroup() as group:
            for part in (self.pods.run(), self.nodes.run(), self._recorder.run(), self._decide()):
                group.create_task(part)

    def _pod_changed(self, key: str, old: Pod | None, new: Pod | None) -> None:
        if self.cache.set_pod(old, new):
            self.queue.wake(filters.ROOM)
        if new is not None and waits(new):
            changed = old is None or old.spec != new.spec or _labels(old) != _labels(new)
            if changed and not self.cache.counts(new):
                self._enqueue(key, new)
        else:
            self.queue.remove(key)
        self._changed.set()

    def _node_changed(self, name: str, old: Any, new: Any) -> None:
        self.cache.set_node(name, new)
        if new is not None and (old is None or _matters(old) != _matters(new)):
            self.queue.wake(filters.NODE)
        self._changed.set()

    def _enqueue(self, key: str, pod: Pod) -> None:
        self.queue.add(key, pod.spec.priority or 0, _created(pod))

    async def _decide(self) -> None:
        await self.nodes.synced()
        await self.pods.synced()
        while True:
            self._changed.clear()
            while (key := self.queue.pop()) is not None:
                pod = self.pods.get(key)
                if pod is not None and waits(pod):
                    self._decide_one(key, pod)
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

    def _decide_one(self, key: str, pod: Pod) -> None:
        placement = place(pod, self.cache.nodes())
        if placement.node:
            self.cache.assume(pod, placement.node)
            self._start(self._bind(key, pod, placement.node))
        else:
            refused_by = placement.refused_by or frozenset({"NodeName"})  # no node at all: wait for one
            self.queue.refuse(key, pod.spec.priority or 0, _created(pod), refused_by)
            self._start(self._report(key, pod, placement))

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._bindings.add(task)
        task.add_done_callback(self._bindings.discard)

    async def _bind(self, key: str, pod: Pod, node: str) -> None:
        metadata = pod.metadata
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            async with self._binding:
                await self._client.create(
                    BINDINGS, binding, metadata.namespace, name=metadata.name, subresource="binding"
                )
        except (NotFound, Conflict) as error:
            log.info("pod not bound pod=%s node=%s error=%s", key, node, error)
            self.cache.forget(pod)
            self.cache.set_pod(None, self.pods.get(key))  # it may be bound already, to another node
        except ApiError as error:
            log.warning("binding failed pod=%s node=%s error=%s", key, node, error)
            self.cache.forget(pod)
            self.queue.refuse(key, pod.spec.priority or 0, _created(pod), frozenset())
            self._changed.set()
        else:
            log.info("pod bound pod=%s uid=%s node=%s", key, metadata.uid, node)
            subject = reference("Pod", metadata)
            self._recorder.event(subject, "Normal", "Scheduled", f"Successfully assigned {key} to {node}")
            if fields := unsupported(pod):
                said = f"podling's scheduler does not act on {', '.join(fields)}"
                self._recorder.event(subject, "Warning", "FieldNotSupported", said)

    async def _report(self, key: str, pod: Pod, placement: Placement) -> None:
        metadata = pod.metadata
        log.info("pod fits nowhere pod=%s uid=%s why=%s", key, metadata.uid, placement.message)
        self._recorder.event(reference("Pod", metadata), "Warning", "FailedScheduling", placement.message)
        if _said(pod) == placement.message:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": placement.message,
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(self._clock.now()),
        }
        patch = {"metadata": {"uid": metadata.uid}, "status": {"conditions": [condition]}}
        try:
            await self._client.patch(
                PODS, metadata.name, patch, metadata.namespace, type=STRATEGIC, subresource="status"
            )
        except ApiError as error:
            log.info("condition not written pod=%s error=%s", key, error)


def waits(pod: Pod) -> bool:
    """Ours to place, and not placed, ended, being deleted or held back by a gate."""
    ended = pod.status is not None and pod.status.phase in ("Succeeded", "Failed")
    ours = (pod.spec.schedulerName or NAME) == NAME and not pod.spec.schedulingGates
    return ours and not (pod.spec.nodeName or ended or pod.metadata.deletionTimestamp)


def _said(pod: Pod) -> str:
    conditions = (pod.status.conditions if pod.status else None) or ()
    return next((c.message or "" for c in conditions if c.type == "PodScheduled" and c.status == "False"), "")


def _created(pod: Pod) -> float:
    created = pod.metadata.creationTimestamp
    return created.timestamp() if created else 0.0


def _labels(pod: Pod) -> Any:
    return pod.metadata.labels


def _matters(node: Any) -> tuple[Any, ...]:
    """What of a node a filter reads: a heartbeat changes none of it."""
    spec, status = node.spec, node.status
    return node.metadata.labels, spec and (spec.unschedulable, spec.taints), status and status.allocatable
