"""Pod, declared."""

from collections.abc import Mapping

from apiserver.kinds.kind import Kind, Object, Subresource
from apiserver.kinds.pod.columns import COLUMNS, TERMINAL, row_conditions
from apiserver.kinds.pod.prepare import prepare_create, prepare_update
from apiserver.kinds.pod.status import STATUS_PATH
from apiserver.kinds.pod.subresources import EPHEMERAL_CONTAINERS, RESIZE
from apiserver.kinds.pod.updates import validate_update
from apiserver.kinds.pod.validate import validate_create, validate_pod
from apiserver.kinds.pod.warnings import warn
from apiserver.schema.load import schema
from podling.api.pod_defaults import default_pod


def _grace_seconds(obj: Object) -> int:
    """What runs nowhere, or no more, goes at once, whatever was asked."""
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in TERMINAL:
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30))


def selectable(obj: Object) -> Mapping[str, str]:
    """Source: kubernetes/pkg/registry/core/pod/strategy.go, ToSelectableFields."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    addresses = status.get("podIPs") or ()
    return {
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.restartPolicy": spec.get("restartPolicy", ""),
        "spec.schedulerName": spec.get("schedulerName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "spec.hostNetwork": str(bool(spec.get("hostNetwork"))).lower(),
        "status.phase": status.get("phase", ""),
        "status.podIP": addresses[0].get("ip", "") if addresses else status.get("podIP", ""),
        "status.nominatedNodeName": status.get("nominatedNodeName", ""),
    }


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
    validate_update=validate_update,
    warn=warn,
    generation=("spec",),
    grace_seconds=_grace_seconds,
    selectable=selectable,
    subresources=(
        Subresource("attach", ("create", "get"), kind="PodAttachOptions"),
        Subresource("binding", ("create",), kind="Binding", schema=schema("core.v1.Binding")),
        EPHEMERAL_CONTAINERS,
        Subresource(
            "eviction",
            ("create",),
            kind="Eviction",
            group="policy",
            version="v1",
            also=("policy/v1beta1",),
            schema=schema("policy.v1.Eviction"),
        ),
        Subresource("exec", ("create", "get"), kind="PodExecOptions"),
        Subresource("log", ("get",)),
        Subresource("portforward", ("create", "get"), kind="PodPortForwardOptions"),
        Subresource("proxy", ("create", "delete", "get", "patch", "update"), kind="PodProxyOptions"),
        RESIZE,
        STATUS_PATH,
    ),
    columns=COLUMNS,
    row_conditions=row_conditions,
)
