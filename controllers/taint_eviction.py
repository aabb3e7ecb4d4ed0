"""Pods on a node with NoExecute taints: those that do not tolerate them are deleted, those that do for a while, then.

Source: k8s.io/kubernetes/pkg/controller/tainteviction.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from controllers.controller import Context, Source, itself, run
from podling.api.errors import Conflict, NotFound
from podling.api.taints import tolerates
from podling.client.resource import NODES, PODS
from podling.loop.reconcile import After


async def control(context: Context) -> None:
    nodes = context.informers.get(NODES)
    pods = context.informers.get(PODS)

    def of_node(key: str, old: Any, new: Any) -> list[str]:
        if old is not None and new is not None and old.spec == new.spec:
            return []
        return [f"{p.metadata.namespace}/{p.metadata.name}" for p in pods.values() if p.spec.nodeName == key]

    async def reconcile(key: str) -> After | None:
        pod = pods.get(key)
        node = nodes.get(pod.spec.nodeName) if pod is not None and pod.spec.nodeName else None
        if pod is None or node is None or pod.metadata.deletionTimestamp:
            return None
        due = evict_at(pod, node, context.clock.now())
        if due is None:
            return None
        seconds = (due - context.clock.now()).total_seconds()
        if seconds > 0:
            return After(seconds)
        with suppress(NotFound, Conflict):
            await context.client.delete(PODS, pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
        return None

    await run("taint-eviction", context.clock, [Source(nodes, of_node), Source(pods, itself)], reconcile)


def evict_at(pod: Any, node: Any, now: datetime) -> datetime | None:
    """When the pod must go; None: it may stay as the node is now."""
    due = [
        _leaves(pod, taint, now)
        for taint in (node.spec.taints if node.spec else None) or ()
        if taint.effect == "NoExecute"
    ]
    return min((at for at in due if at is not None), default=None)


def _leaves(pod: Any, taint: Any, now: datetime) -> datetime | None:
    added: datetime = taint.timeAdded or now
    tolerating = [t for t in pod.spec.tolerations or () if tolerates(t, taint.key, taint.value or "", taint.effect)]
    if not tolerating:
        return now
    limits = [t.tolerationSeconds for t in tolerating if t.tolerationSeconds is not None]
    return datetime.fromtimestamp(added.timestamp() + max(0, min(limits)), added.tzinfo) if limits else None
