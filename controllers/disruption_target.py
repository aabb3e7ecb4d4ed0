"""The DisruptionTarget condition: a pod that is deleted from above says why, before it goes.

Source: k8s.io/kubernetes/pkg/controller/tainteviction, /podgc.
"""

from typing import Any

from controllers.controller import Context
from podling.api.meta import timestamp
from podling.client.client import STRATEGIC
from podling.client.resource import PODS


async def mark(context: Context, pod: Any, reason: str, message: str, *, failed: bool = False) -> None:
    """`failed`: nobody is left who could say that it ended. Raises what the API server refuses with."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "observedGeneration": pod.metadata.generation,
        "lastProbeTime": None,
        "lastTransitionTime": timestamp(context.clock.now()),
    }
    status = {"conditions": [condition], **({"phase": "Failed"} if failed else {})}
    metadata = pod.metadata
    patch = {"metadata": {"uid": metadata.uid}, "status": status}
    await context.client.patch(PODS, metadata.name, patch, metadata.namespace, type=STRATEGIC, subresource="status")
