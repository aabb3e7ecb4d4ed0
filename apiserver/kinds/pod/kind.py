"""Pod, declared. Source: kubernetes/pkg/registry/core/pod/strategy.go."""

from collections.abc import Mapping

from apiserver.kinds.kind import Kind, Object, Subresource
from apiserver.kinds.pod.defaults import default_pod
from apiserver.kinds.pod.resources import qos_class
from apiserver.kinds.pod.validate import validate_create, validate_pod
from apiserver.schema.load import schema

GATED = "Scheduling is blocked due to non-empty scheduling gates"


def prepare_create(obj: Object) -> None:
    obj["metadata"]["generation"] = 1
    status: Object = {"phase": "Pending", "qosClass": qos_class(obj["spec"])}
    if obj["spec"].get("schedulingGates"):
        status["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": GATED,
                "lastProbeTime": None,
                "lastTransitionTime": None,
            }
        ]
    obj["status"] = status


def prepare_update(new: Object, old: Object) -> None:
    new["status"] = old.get("status", {})


def _keep_all_but_status(new: Object, old: Object) -> None:
    new["spec"] = old.get("spec", {})


def _grace_seconds(obj: Object) -> int:
    """What no node has ever seen, and what has ended, goes at once."""
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30))


def selectable(obj: Object) -> Mapping[str, str]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ips = status.get("podIPs") or ()
    return {
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.restartPolicy": spec.get("restartPolicy", ""),
        "spec.schedulerName": spec.get("schedulerName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "spec.hostNetwork": str(bool(spec.get("hostNetwork"))).lower(),
        "status.phase": status.get("phase", ""),
        "status.podIP": status.get("podIP", "") or (ips[0].get("ip", "") if ips else ""),
        "status.nominatedNodeName": status.get("nominatedNodeName", ""),
    }


_PROXY = ("create", "delete", "get", "patch", "update")
_READ_WRITE = ("get", "patch", "update")
POD = Kind(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    short_names=("po",),
    categories=("all",),
    schema=schema("core.v1.Pod"),
    default=default_pod,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate=validate_pod,
    validate_create=validate_create,
    generation=True,
    grace_seconds=_grace_seconds,
    selectable=selectable,
    subresources=(
        Subresource("attach", ("create", "get"), kind="PodAttachOptions"),
        Subresource("binding", ("create",), kind="Binding", schema=schema("core.v1.Binding")),
        Subresource("ephemeralcontainers", _READ_WRITE),
        Subresource(
            "eviction", ("create",), kind="Eviction", group="policy", version="v1", schema=schema("policy.v1.Eviction")
        ),
        Subresource("exec", ("create", "get"), kind="PodExecOptions"),
        Subresource("log", ("get",)),
        Subresource("portforward", ("create", "get"), kind="PodPortForwardOptions"),
        Subresource("proxy", _PROXY, kind="PodProxyOptions"),
        Subresource("resize", _READ_WRITE),
        Subresource("status", _READ_WRITE, prepare_update=_keep_all_but_status),
    ),
)
