"""POST pods/x/eviction: a delete that asks the pod's disruption budget first.

Source: k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go.
"""

from dataclasses import replace
from typing import Any

from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.kinds.kind import Kind
from apiserver.objects.deletion import DeleteOptions, check_preconditions
from apiserver.objects.registry import Write
from apiserver.options import delete_options, write_options
from apiserver.request import Attributes, Request
from apiserver.verbs import disruption
from apiserver.verbs.admitted import admit
from podling.api import conditions
from podling.api.errors import BadRequest
from podling.api.meta import timestamp

Object = dict[str, Any]

WHY = {
    "type": "DisruptionTarget",
    "status": "True",
    "lastProbeTime": None,
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}


async def evict(context: Context, request: Request) -> Answer:
    options = write_options(request.options, "CreateOptions")
    asked, eviction = request.attributes, request.decoded
    if eviction.get("metadata", {}).get("name") != asked.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    deletion = delete_options({}, eviction.get("deleteOptions") or {})
    pods = context.kinds.find("", "v1", "pods")
    assert pods is not None
    dry_run = options.dry_run or deletion.dry_run
    write = Write(asked.user, dry_run=dry_run, warnings=request.warnings, raw=True)  # the eviction was admitted
    await admit(context, request, pods, "eviction", eviction, dry_run=dry_run)
    pod = await context.registry.get(pods, asked.namespace, asked.name)
    await disruption.ask(context, pod.object, write.dry_run)
    if not write.dry_run:
        deletion = await _mark(context, asked, pods, deletion)
    await context.registry.delete(pods, asked.namespace, asked.name, deletion, write)
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Answer(success, 201)


async def _mark(context: Context, asked: Attributes, pods: Kind, deletion: DeleteOptions) -> DeleteOptions:
    """The pod says why it goes, before it does. The options that mean the pod as it is now."""
    now = timestamp(context.registry.clock.now())

    async def marked(pod: Object) -> Object:
        check_preconditions(pods, pod, deletion)
        mark(pod, now)
        return pod

    write = Write(asked.user, subresource="eviction", raw=True)
    found = await context.registry.update(pods, asked.namespace, asked.name, marked, write, pods.subresource("status"))
    version = found.metadata["resourceVersion"] if deletion.resource_version is not None else None
    return replace(deletion, resource_version=version)


def mark(pod: Object, now: str) -> None:
    status = pod.setdefault("status", {})
    status["conditions"] = conditions.turned(status.get("conditions"), WHY, now)
