"""What expressions of admission read: the write, who asks for it, where it goes.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/compile.go.
"""

from collections.abc import Mapping

from apiserver.cel.types import (
    AUTHORIZER,
    BOOL,
    DYN,
    INT,
    RESOURCE_CHECK,
    STRING,
    TIMESTAMP,
    CelType,
    List,
    Map,
    Object,
)

_GVK = Object({"group": STRING, "version": STRING, "kind": STRING}, "kubernetes.GroupVersionKind")
_GVR = Object({"group": STRING, "version": STRING, "resource": STRING}, "kubernetes.GroupVersionResource")
_USER = Object(
    {"username": STRING, "uid": STRING, "groups": List(STRING), "extra": Map(List(STRING))}, "kubernetes.UserInfo"
)
REQUEST = Object(
    {
        "kind": _GVK,
        "resource": _GVR,
        "subResource": STRING,
        "requestKind": _GVK,
        "requestResource": _GVR,
        "requestSubResource": STRING,
        "name": STRING,
        "operation": STRING,
        "userInfo": _USER,
        "dryRun": BOOL,
        "options": DYN,
    },
    "kubernetes.AdmissionRequest",
    plain={"namespace": STRING},
)
_NAMESPACE_METADATA = Object(
    {
        "name": STRING,
        "generateName": STRING,
        "labels": Map(STRING),
        "annotations": Map(STRING),
        "UID": STRING,
        "creationTimestamp": TIMESTAMP,
        "deletionGracePeriodSeconds": INT,
        "deletionTimestamp": TIMESTAMP,
        "generation": INT,
        "resourceVersion": STRING,
        "finalizers": List(STRING),
    },
    "kubernetes.NamespaceMetadata",
    plain={"namespace": STRING},
)
_CONDITION = Object(
    {"status": STRING, "type": STRING, "lastTransitionTime": TIMESTAMP, "message": STRING, "reason": STRING},
    "kubernetes.NamespaceCondition",
)
NAMESPACE = Object(
    {
        "metadata": _NAMESPACE_METADATA,
        "spec": Object({"finalizers": List(STRING)}, "kubernetes.NamespaceSpec"),
        "status": Object({"conditions": List(_CONDITION), "phase": STRING}, "kubernetes.NamespaceStatus"),
    },
    "kubernetes.Namespace",
)

# What mutations make: an apply configuration with any fields, and JSON patches.
APPLY = Object({}, "Object")
JSON_PATCH = Object({"op": STRING, "path": STRING, "from": STRING, "value": DYN}, "JSONPatch")
MAKES: Mapping[str, Object] = {"Object": APPLY, "JSONPatch": JSON_PATCH}


def declared(
    params: bool, authorizer: bool = True, variables: Mapping[str, CelType] | None = None, written: CelType = DYN,
    parameter: CelType = DYN,
) -> dict[str, CelType]:  # fmt: skip
    """The variables of an expression: with `params` where the policy has a kind of them, with `variables` of the policy
    that come before it. `written` and `parameter` are the types of the object and of params where they are known."""
    found: dict[str, CelType] = {
        "object": written,
        "oldObject": written,
        "namespaceObject": NAMESPACE,
        "request": REQUEST,
    }
    if params:
        found["params"] = parameter
    if authorizer:
        found |= {"authorizer": AUTHORIZER, "authorizer.requestResource": RESOURCE_CHECK}
    if variables is not None:
        found["variables"] = Object(dict(variables), "kubernetes.variables")
    return found
