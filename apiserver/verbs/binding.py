"""POST pods/x/binding: a scheduler's decision. The pod gets its node, the PodScheduled condition and the node's zone.

Source: k8s.io/kubernetes/pkg/registry/core/pod/storage/storage.go (BindingREST) and the PodTopologyLabels admission.
"""

from typing import Any

from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.objects.registry import Write
from apiserver.options import write_options
from apiserver.refusal import Unexplained
from apiserver.request import Request
from apiserver.verbs.admitted import admit
from podling.api import conditions, errors
from podling.api.errors import BadRequest, GroupResource
from podling.api.meta import timestamp

Object = dict[str, Any]

NODES = GroupResource("", "nodes")
BINDING = GroupResource("", "pods/binding")
TOPOLOGY = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


async def bind(context: Context, request: Request) -> Answer:
    options = write_options(request.options, "CreateOptions")
    asked, binding = request.attributes, request.decoded
    meta = binding.setdefault("metadata", {})
    name = asked.name or meta.get("name", "")
    if meta.get("name") != name:
        raise BadRequest("name in URL does not match name in Binding object")
    if meta.setdefault("namespace", asked.namespace) != asked.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    check(binding)
    pods = context.kinds.find("", "v1", "pods")
    assert pods is not None
    write = Write(asked.user, subresource="binding", dry_run=options.dry_run, raw=True)
    await admit(context, request, pods, "binding", binding, dry_run=options.dry_run)
    node = context.lister.get(NODES, "", binding["target"]["name"])
    now = timestamp(context.registry.clock.now())

    async def bound(pod: Object) -> Object:
        assign(pod, binding, node, now)
        return pod

    await context.registry.update(pods, asked.namespace, name, bound, write, pods.subresource("binding"))
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Answer(success, 201)


def check(binding: Object) -> None:
    target = binding.setdefault("target", {})
    found = []
    if target.get("kind", "") not in ("", "Node"):
        supported = '"Node", "<empty>"'
        found.append(f'target.kind: Unsupported value: "{target["kind"]}": supported values: {supported}')
    if not target.get("name"):
        found.append("target.name: Required value")
    if found:
        raise Unexplained(found[0] if len(found) == 1 else "[" + ", ".join(found) + "]")


def assign(pod: Object, binding: Object, node: Object | None, now: str) -> None:
    """Raises `Conflict` where the pod is another, gone, gated, or has a node already."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.setdefault("status", {})
    name, uid = meta["name"], binding["metadata"].get("uid")
    if uid and uid != meta["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {meta['uid']}"
        raise errors.conflict(BINDING, name, why)
    if meta.get("deletionTimestamp"):
        raise errors.conflict(BINDING, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        why = f'pod {name} is already assigned to node "{spec["nodeName"]}"'
        raise errors.conflict(BINDING, name, why)
    if spec.get("schedulingGates"):
        raise errors.conflict(BINDING, name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = binding["target"]["name"]
    status.pop("nominatedNodeName", None)  # it has its node, the one nominated or another
    if annotations := binding["metadata"].get("annotations"):
        meta["annotations"] = {**(meta.get("annotations") or {}), **annotations}
    zone = {
        key: value for key, value in (node or {"metadata": {}})["metadata"].get("labels", {}).items() if key in TOPOLOGY
    }
    if labels := {**zone, **(binding["metadata"].get("labels") or {})}:
        meta["labels"] = {**(meta.get("labels") or {}), **labels}
    _scheduled(status, now)


def _scheduled(status: Object, now: str) -> None:
    told = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    status["conditions"] = conditions.turned(status.get("conditions"), told, now)
