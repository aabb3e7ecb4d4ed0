"""What the scheduler writes: a binding; or a pod's PodScheduled condition and nomination, and the deletion of those
that make room for it. And the events that tell of it."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lightkube.models.core_v1 import Pod

from podling.api.errors import ApiError, NotFound
from podling.api.meta import timestamp
from podling.client.client import STRATEGIC, Client
from podling.client.events import EventRecorder, reference
from podling.client.resource import BINDINGS, PODS
from podling.loop.clock import Clock
from scheduler.pod_info import PodInfo
from scheduler.preemption import REASON

log = logging.getLogger(__name__)


class Writer:
    def __init__(self, client: Client, recorder: EventRecorder, clock: Clock) -> None:
        self._client, self._recorder, self._clock = client, recorder, clock

    async def bind(self, key: str, pod: Pod, node: str) -> None:
        """Raises what the API server refuses with."""
        metadata = pod.metadata
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._client.create(BINDINGS, binding, metadata.namespace, name=metadata.name, subresource="binding")
        log.info("pod bound pod=%s uid=%s node=%s", key, metadata.uid, node)
        subject = reference("Pod", metadata)
        self._recorder.event(subject, "Normal", "Scheduled", f"Successfully assigned {key} to {node}")

    async def report(self, key: str, pod: Pod, message: str, nominated: str) -> None:
        """That it fits nowhere; `nominated` is the node where room is being made for it, or ""."""
        metadata = pod.metadata
        log.info("pod fits nowhere pod=%s uid=%s nominated=%s why=%s", key, metadata.uid, nominated, message)
        self._recorder.event(reference("Pod", metadata), "Warning", "FailedScheduling", message)
        if said(pod) == message and PodInfo(pod).nominated_node == nominated:
            return
        condition = self._condition(pod, "PodScheduled", "False", "Unschedulable", message)
        status = {"conditions": [condition], "nominatedNodeName": nominated or None}
        await self._patch(key, pod, status)

    async def evict(self, victim: Pod, preemptor: Pod, node: str) -> None:
        """Politely: with its grace. Raises what the API server refuses with."""
        metadata = victim.metadata
        if metadata.deletionTimestamp:
            return
        words = f"{preemptor.spec.schedulerName}: preempting to accommodate a higher priority pod"
        key = f"{metadata.namespace}/{metadata.name}"
        await self._patch(
            key, victim, {"conditions": [self._condition(victim, "DisruptionTarget", "True", REASON, words)]}
        )
        try:
            await self._client.delete(PODS, metadata.name, metadata.namespace, uid=metadata.uid)
        except NotFound:
            return
        log.info("pod preempted pod=%s uid=%s by=%s node=%s", key, metadata.uid, preemptor.metadata.uid, node)
        told = f"Preempted by pod {preemptor.metadata.uid} on node {node}"
        self._recorder.event(reference("Pod", metadata), "Normal", "Preempted", told)

    async def withdraw(self, pod: Pod) -> None:
        """Its nomination: somebody more important has the room."""
        await self._patch(f"{pod.metadata.namespace}/{pod.metadata.name}", pod, {"nominatedNodeName": None})

    async def _patch(self, key: str, pod: Pod, status: dict[str, Any]) -> None:
        metadata = pod.metadata
        patch = {"metadata": {"uid": metadata.uid}, "status": status}
        try:
            await self._client.patch(
                PODS, metadata.name, patch, metadata.namespace, type=STRATEGIC, subresource="status"
            )
        except ApiError as error:
            log.info("status not written pod=%s error=%s", key, error)

    def _condition(self, pod: Pod, type: str, status: str, reason: str, message: str) -> dict[str, Any]:
        return {
            "type": type,
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": pod.metadata.generation,
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(_since(pod, type, status) or self._clock.now()),
        }


def said(pod: Pod) -> str:
    """What the pod was told last, where it fits nowhere."""
    return next((c.message or "" for c in _conditions(pod) if c.type == "PodScheduled" and c.status == "False"), "")


def _since(pod: Pod, type: str, status: str) -> datetime | None:
    return next((c.lastTransitionTime for c in _conditions(pod) if (c.type, c.status) == (type, status)), None)


def _conditions(pod: Pod) -> Sequence[Any]:
    return (pod.status.conditions if pod.status else None) or ()
