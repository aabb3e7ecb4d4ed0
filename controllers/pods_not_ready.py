"""Pods of a node that nobody hears of are not Ready: nothing should be sent to them. Their kubelet says otherwise when
it is back. Source: k8s.io/kubernetes/pkg/controller/util/node: MarkPodsNotReady.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from controllers.controller import Context
from podling.api.errors import Conflict, NotFound
from podling.api.meta import timestamp
from podling.client.client import STRATEGIC
from podling.client.events import EventRecorder, reference
from podling.client.resource import PODS


async def mark(context: Context, recorder: EventRecorder, pods: Iterable[Any]) -> None:
    for pod in pods:
        if is_ready(pod):
            metadata = pod.metadata
            now = timestamp(context.clock.now())
            condition = {"type": "Ready", "status": "False", "lastTransitionTime": now}
            patch = {"metadata": {"uid": metadata.uid}, "status": {"conditions": [condition]}}
            with suppress(NotFound, Conflict):
                await context.client.patch(
                    PODS, metadata.name, patch, metadata.namespace, type=STRATEGIC, subresource="status"
                )
            recorder.event(reference("Pod", metadata), "Warning", "NodeNotReady", "Node is not ready")


def is_ready(pod: Any) -> bool:
    conditions = (pod.status.conditions if pod.status else None) or ()
    return any(each.type == "Ready" and each.status == "True" for each in conditions)
