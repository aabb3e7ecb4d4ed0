"""Pods that nobody will end: those bound to a node that is gone, and deleted ones that never had a node.

Source: k8s.io/kubernetes/pkg/controller/podgc.
"""

from contextlib import suppress
from typing import Any

from controllers.controller import Context, Source, itself, run
from podling.api.errors import Conflict, NotFound
from podling.client.resource import NODES, PODS
from podling.loop.reconcile import After

QUARANTINE_SECONDS = 40.0


async def control(context: Context) -> None:
    nodes = context.informers.get(NODES)
    pods = context.informers.get(PODS)
    missing_since: dict[str, float] = {}  # node name to when it was first missed

    def of_node(key: str, old: Any, new: Any) -> list[str]:
        if new is not None:
            missing_since.pop(key, None)
            return []
        return [f"{p.metadata.namespace}/{p.metadata.name}" for p in pods.values() if p.spec.nodeName == key]

    async def reconcile(key: str) -> After | None:
        pod = pods.get(key)
        if pod is None:
            return None
        node = pod.spec.nodeName
        if node and nodes.get(node) is None:
            since = missing_since.setdefault(node, context.clock.monotonic())
            remaining = since + QUARANTINE_SECONDS - context.clock.monotonic()
            if remaining > 0:
                return After(remaining)
            await _force(context, pod)
        elif not node and pod.metadata.deletionTimestamp:
            await _force(context, pod)
        return None

    await run("pod-gc", context.clock, [Source(nodes, of_node), Source(pods, itself)], reconcile)


async def _force(context: Context, pod: Any) -> None:
    metadata = pod.metadata
    with suppress(NotFound, Conflict):
        await context.client.delete(PODS, metadata.name, metadata.namespace, grace_seconds=0, uid=metadata.uid)
