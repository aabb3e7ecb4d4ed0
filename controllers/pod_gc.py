"""Pods that nobody will end, or miss: those bound to a node that is gone, deleted ones that never had a node, and the
oldest of those that ended, where there are too many.

Source: k8s.io/kubernetes/pkg/controller/podgc.
"""

from contextlib import suppress
from typing import Any

from controllers import disruption_target
from controllers.controller import Context, Source, run
from podling.api.errors import Conflict, NotFound
from podling.client.resource import NODES, PODS
from podling.loop.reconcile import After

QUARANTINE_SECONDS = 40.0
MOST_ENDED = 12_500
ENDED = ("Succeeded", "Failed")
REASON, MESSAGE = "DeletionByPodGC", "PodGC: node no longer exists"


async def control(context: Context, most_ended: int = MOST_ENDED) -> None:
    nodes = context.informers.get(NODES)
    pods = context.informers.get(PODS)
    missing_since: dict[str, float] = {}  # node name to when it was first missed
    ended: set[str] = set()

    def of_node(key: str, old: Any, new: Any) -> list[str]:
        if new is not None:
            missing_since.pop(key, None)
            return []
        return [f"{p.metadata.namespace}/{p.metadata.name}" for p in pods.values() if p.spec.nodeName == key]

    def of_pod(key: str, old: Any, new: Any) -> list[str]:
        (ended.add if new is not None and has_ended(new) else ended.discard)(key)
        return [key, *oldest(len(ended) - most_ended)]

    def oldest(count: int) -> list[str]:
        found = [(pod.metadata.creationTimestamp, key) for key in ended if (pod := pods.get(key))] if count > 0 else []
        return [key for _, key in sorted(found)[: max(0, count)]]

    async def reconcile(key: str) -> After | None:
        pod = pods.get(key)
        if pod is None:
            return None
        node = pod.spec.nodeName
        if key in oldest(len(ended) - most_ended) or (not node and pod.metadata.deletionTimestamp):
            await _force(context, pod)
        elif node and nodes.get(node) is None:
            since = missing_since.setdefault(node, context.clock.monotonic())
            remaining = since + QUARANTINE_SECONDS - context.clock.monotonic()
            if remaining > 0:
                return After(remaining)
            with suppress(NotFound, Conflict):
                if not has_ended(pod):
                    await disruption_target.mark(context, pod, REASON, MESSAGE, failed=True)
            await _force(context, pod)
        return None

    await run("pod-gc", context.clock, [Source(nodes, of_node), Source(pods, of_pod)], reconcile)


def has_ended(pod: Any) -> bool:
    return bool(pod.status and pod.status.phase in ENDED)


async def _force(context: Context, pod: Any) -> None:
    metadata = pod.metadata
    with suppress(NotFound, Conflict):
        await context.client.delete(PODS, metadata.name, metadata.namespace, grace_seconds=0, uid=metadata.uid)
