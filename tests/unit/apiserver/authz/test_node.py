"""What a kubelet may read and write."""

from typing import Any

import pytest

from apiserver.authz.authorizer import Chain
from apiserver.authz.node import ATTACHMENTS, CLUSTER_ROLES, PODS, SLICES
from apiserver.lister import MemoryLister
from apiserver.request import Attributes, User

N1 = User("system:node:n1", ("system:nodes", "system:authenticated"))
POD: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "x"},
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "bot",
        "imagePullSecrets": [{"name": "registry"}],
        "containers": [
            {
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}],
                "envFrom": [{"configMapRef": {"name": "env"}}],
            }
        ],
        "resourceClaims": [{"name": "g", "resourceClaimName": "gpu"}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "mounted"}},
            {"name": "b", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}},
            {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
        ],
    },
    "status": {"resourceClaimStatuses": [{"name": "h", "resourceClaimName": "made-gpu"}]},
}
NODE_ROLE = {
    "metadata": {"name": "system:node"},
    "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]}],
}


def chain() -> Chain:
    elsewhere = {
        "metadata": {"name": "b", "namespace": "x"},
        "spec": {"nodeName": "n2", "imagePullSecrets": [{"name": "other"}]},
    }
    of_nodes = [
        (kind, {"metadata": {"name": name}, "spec": {"nodeName": node}})
        for kind in (ATTACHMENTS, SLICES)
        for name, node in (("mine", "n1"), ("theirs", "n2"))
    ]
    return Chain(MemoryLister([(PODS, POD), (PODS, elsewhere), (CLUSTER_ROLES, NODE_ROLE), *of_nodes]))


@pytest.mark.parametrize(
    ("verb", "resource", "more", "allowed"),
    [
        ("get", "secrets", {"namespace": "x", "name": "registry"}, True),
        ("watch", "secrets", {"namespace": "x", "name": "mounted"}, True),
        ("get", "secrets", {"namespace": "x", "name": "env"}, True),
        ("get", "secrets", {"namespace": "x", "name": "other"}, False),
        ("get", "secrets", {"namespace": "y", "name": "registry"}, False),
        ("list", "secrets", {"namespace": "x"}, False),
        ("update", "secrets", {"namespace": "x", "name": "registry"}, False),
        ("get", "configmaps", {"namespace": "x", "name": "kube-root-ca.crt"}, True),
        ("get", "persistentvolumeclaims", {"namespace": "x", "name": "data"}, True),
        ("create", "serviceaccounts", {"namespace": "x", "name": "bot", "subresource": "token"}, True),
        ("create", "serviceaccounts", {"namespace": "x", "name": "default", "subresource": "token"}, False),
        ("get", "nodes", {"name": "n1"}, True),
        ("get", "nodes", {"name": "n2"}, False),
        ("list", "nodes", {}, False),
        ("list", "nodes", {"field_selector": "metadata.name=n1"}, True),
        ("patch", "nodes", {"name": "n1", "subresource": "status"}, True),
        ("delete", "nodes", {"name": "n1"}, False),
        ("list", "pods", {"field_selector": "spec.nodeName=n1"}, True),
        ("watch", "pods", {"field_selector": "status.phase!=Failed,spec.nodeName=n1"}, True),
        ("watch", "pods", {"field_selector": "spec.nodeName=n2"}, False),
        ("list", "pods", {}, False),
        ("get", "pods", {"namespace": "x", "name": "web"}, True),
        ("get", "pods", {"namespace": "x", "name": "b"}, False),
        ("create", "pods", {"namespace": "x", "subresource": "exec"}, False),
        ("update", "leases", {"group": "coordination.k8s.io", "namespace": "kube-node-lease", "name": "n1"}, True),
        ("update", "leases", {"group": "coordination.k8s.io", "namespace": "kube-node-lease", "name": "n2"}, False),
        ("get", "leases", {"group": "coordination.k8s.io", "namespace": "default", "name": "n1"}, False),
        ("get", "volumeattachments", {"group": "storage.k8s.io", "name": "mine"}, True),
        ("get", "volumeattachments", {"group": "storage.k8s.io", "name": "theirs"}, False),
        ("list", "volumeattachments", {"group": "storage.k8s.io"}, False),
        ("get", "resourceclaims", {"group": "resource.k8s.io", "namespace": "x", "name": "gpu"}, True),
        ("get", "resourceclaims", {"group": "resource.k8s.io", "namespace": "x", "name": "made-gpu"}, True),
        ("get", "resourceclaims", {"group": "resource.k8s.io", "namespace": "x", "name": "other"}, False),
        ("create", "resourceslices", {"group": "resource.k8s.io"}, True),
        ("delete", "resourceslices", {"group": "resource.k8s.io", "name": "mine"}, True),
        ("update", "resourceslices", {"group": "resource.k8s.io", "name": "theirs"}, False),
        ("list", "resourceslices", {"group": "resource.k8s.io"}, False),
        ("list", "resourceslices", {"group": "resource.k8s.io", "field_selector": "spec.nodeName=n1"}, True),
        ("watch", "services", {}, True),
        ("delete", "services", {"namespace": "x", "name": "a"}, False),
    ],
)
def test_a_node_reaches_what_its_pods_need(verb: str, resource: str, more: dict[str, str], allowed: bool) -> None:
    assert chain().authorize(Attributes(N1, verb, resource=resource, **more)).allowed is allowed


def test_a_node_is_told_why_not() -> None:
    asked = Attributes(N1, "get", resource="secrets", namespace="x", name="other")
    assert chain().authorize(asked).reason == "no relationship found between node 'n1' and this object"


def test_a_user_with_a_nodes_name_who_is_in_no_nodes_group_is_no_node() -> None:
    asked = Attributes(User("system:node:n1"), "get", resource="nodes", name="n1")
    assert chain().authorize(asked) == (False, "")
