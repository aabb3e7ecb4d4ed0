"""Pods on a node with NoExecute taints: those that do not tolerate them are deleted, those that do for a while, then.

A while begins when the taint was added, or first seen here where it does not say; for a pod that came later, when it
came. Source: k8s.io/kubernetes/pkg/controller/tainteviction.
"""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

from controllers import disruption_target
from controllers.controller import Context, Source, itself, run
from podling.api.errors import Conflict, NotFound
from podling.api.taints import tolerates
from podling.client.events import EventRecorder, reference
from podling.client.resource import NODES, PODS
from podling.loop.reconcile import After

REASON = "DeletionByTaintManager"
MESSAGE = "Taint manager: deleting due to NoExecute taint"


async def control(context: Context) -> None:
    nodes = context.informers.get(NODES)
    pods = context.informers.get(PODS)
    recorder = EventRecorder(context.client, "taint-eviction-controller", clock=context.clock)
    seen = FirstSeen()
    leaving: set[str] = set()  # uids of pods whose time is running

    def of_node(key: str, old: Any, new: Any) -> list[str]:
        seen.update(key, new, context.clock.now())
        if old is not None and new is not None and old.spec == new.spec:
            return []
        return [f"{p.metadata.namespace}/{p.metadata.name}" for p in pods.values() if p.spec.nodeName == key]

    async def reconcile(key: str) -> After | None:
        pod = pods.get(key)
        node = nodes.get(pod.spec.nodeName) if pod is not None and pod.spec.nodeName else None
        if pod is None or node is None or pod.metadata.deletionTimestamp:
            return None
        due = evict_at(pod, node, context.clock.now(), seen)
        if due is None:
            if pod.metadata.uid in leaving:
                leaving.discard(pod.metadata.uid)
                tell(pod, f"Cancelling deletion of Pod {key}")
            return None
        seconds = (due - context.clock.now()).total_seconds()
        if seconds > 0:
            leaving.add(pod.metadata.uid)
            return After(seconds)
        leaving.discard(pod.metadata.uid)
        tell(pod, f"Marking for deletion Pod {key}")
        with suppress(NotFound, Conflict):
            await disruption_target.mark(context, pod, REASON, MESSAGE)
            await context.client.delete(PODS, pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
        return None

    def tell(pod: Any, message: str) -> None:
        recorder.event(reference("Pod", pod.metadata), "Normal", "TaintManagerEviction", message)

    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run())
        sources = [Source(nodes, of_node), Source(pods, itself)]
        group.create_task(run("taint-eviction", context.clock, sources, reconcile))


class FirstSeen:
    """When taints were first seen here: `kubectl taint` does not write it into them."""

    def __init__(self) -> None:
        self._at: dict[str, dict[str, datetime]] = {}

    def update(self, name: str, node: Any, now: datetime) -> None:
        before = self._at.pop(name, {})
        found = {taint.key: before.get(taint.key, now) for taint in no_execute(node)}
        if found:
            self._at[name] = found

    def of(self, node: Any, taint: Any, now: datetime) -> datetime:
        added: datetime = taint.timeAdded or self._at.get(node.metadata.name, {}).get(taint.key, now)
        return added


def no_execute(node: Any) -> list[Any]:
    taints = (node.spec.taints if node is not None and node.spec else None) or ()
    return [taint for taint in taints if taint.effect == "NoExecute"]


def evict_at(pod: Any, node: Any, now: datetime, seen: FirstSeen) -> datetime | None:
    """When the pod must go; None: it may stay as the node is now."""
    due = [_leaves(pod, taint, seen.of(node, taint, now), now) for taint in no_execute(node)]
    return min((at for at in due if at is not None), default=None)


def _leaves(pod: Any, taint: Any, added: datetime, now: datetime) -> datetime | None:
    tolerating = [t for t in pod.spec.tolerations or () if tolerates(t, taint.key, taint.value or "", taint.effect)]
    if not tolerating:
        return now
    limits = [t.tolerationSeconds for t in tolerating if t.tolerationSeconds is not None]
    since = max(added, _came(pod) or added)
    return datetime.fromtimestamp(since.timestamp() + max(0, min(limits)), since.tzinfo) if limits else None


def _came(pod: Any) -> datetime | None:
    """When the pod got its node."""
    conditions = (pod.status.conditions if pod.status else None) or ()
    times = [c.lastTransitionTime for c in conditions if c.type == "PodScheduled" and c.status == "True"]
    found: datetime | None = (times[0] if times else None) or pod.metadata.creationTimestamp
    return found
