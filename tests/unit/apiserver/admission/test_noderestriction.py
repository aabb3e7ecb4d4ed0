"""What a kubelet may write."""

from typing import Any

import pytest

from apiserver.admission.noderestriction import NODES, NodeRestriction, is_restricted
from apiserver.admission.plugin import Admission
from apiserver.authz.node import PODS
from apiserver.kinds.certificates.certificate_signing_request import CERTIFICATE_SIGNING_REQUEST
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from apiserver.schema.schema import Schema
from podling.api.errors import ApiError
from tests.unit.certificate_requests import request

N1 = User("system:node:n1", ("system:nodes",))
POD = Kind("", "v1", "Pod", "pods", Schema("object"))
NODE = Kind("", "v1", "Node", "nodes", Schema("object"), namespaced=False)
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases", Schema("object"))
SLICE = Kind("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", Schema("object"), namespaced=False)
CERTIFICATE = CERTIFICATE_SIGNING_REQUEST
ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts", Schema("object"))

Object = dict[str, Any]


def pod(name: str, node: str = "n1") -> Object:
    return {"metadata": {"name": name, "namespace": "x", "uid": f"u-{name}"}, "spec": {"nodeName": node}}


def mirror(**owner: Any) -> Object:
    reference = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "un", "controller": True} | owner
    made = pod("static")
    made["metadata"] |= {"annotations": {"kubernetes.io/config.mirror": "h"}, "ownerReferences": [reference]}
    return made


async def asked(
    kind: Kind, operation: str, new: Object | None, old: Object | None = None, *, sub: str = "", name: str = ""
) -> str:
    """The refusal, "" for none."""
    lister = MemoryLister(
        [(PODS, pod("mine")), (PODS, pod("other", "n2")), (NODES, {"metadata": {"name": "n1", "uid": "un"}})]
    )
    metadata = (new or old or {"metadata": {}}).get("metadata") or {}
    write = Admission(
        operation, kind, sub, metadata.get("namespace", "x"), name or metadata.get("name", ""), N1, new, old
    )
    try:
        await NodeRestriction(lister).admit(write)
    except ApiError as error:
        return error.message
    return ""


async def test_mirror_pods_of_its_own_may_be_made() -> None:
    assert await asked(POD, "CREATE", mirror()) == ""


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (pod("a"), 'node "n1" can only create mirror pods'),
        (mirror(name="n2"), "with an owner reference set to itself"),
        (mirror(uid="other"), "node n1 UID mismatch: expected other got un"),
        (mirror(controller=False), "with a controller owner reference set to itself"),
        (mirror(blockOwnerDeletion=True), "must not set blockOwnerDeletion"),
        (mirror() | {"spec": {"nodeName": "n2"}}, "can only create pods with spec.nodeName set to itself"),
        (
            mirror() | {"spec": {"nodeName": "n1", "volumes": [{"secret": {"secretName": "s"}}]}},
            "can not create pods that reference secrets",
        ),
    ],
)
async def test_other_pods_may_not(new: Object, why: str) -> None:
    assert why in await asked(POD, "CREATE", new)


async def test_only_pods_bound_to_it_are_deleted_evicted_and_reported() -> None:
    mine, other = pod("mine"), pod("other", "n2")
    assert await asked(POD, "DELETE", None, mine) == ""
    assert "can only delete pods with spec.nodeName set to itself" in await asked(POD, "DELETE", None, other)
    assert await asked(POD, "UPDATE", mine, mine, sub="status") == ""
    assert "can only update pod status" in await asked(POD, "UPDATE", other, other, sub="status")
    assert await asked(POD, "CREATE", {}, sub="eviction", name="mine") == ""
    assert "can only evict pods" in await asked(POD, "CREATE", {}, sub="eviction", name="other")
    assert "unexpected operation" in await asked(POD, "UPDATE", mine, mine)
    assert "unexpected pod subresource" in await asked(POD, "CREATE", {}, sub="binding", name="mine")


async def test_labels_do_not_change_through_status() -> None:
    labelled = pod("mine") | {"metadata": {"name": "mine", "namespace": "x", "labels": {"a": "b"}}}
    assert "cannot update labels through pod status" in await asked(POD, "UPDATE", labelled, pod("mine"), sub="status")


async def test_a_node_writes_itself_alone() -> None:
    own = {"metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}}}
    assert await asked(NODE, "CREATE", own) == ""
    assert await asked(NODE, "UPDATE", own, own, sub="status") == ""
    other = {"metadata": {"name": "n2"}}
    assert 'node "n1" is not allowed to modify node "n2"' in await asked(NODE, "CREATE", other)


async def test_a_node_leaves_its_taints_and_restricted_labels_alone() -> None:
    old: Object = {"metadata": {"name": "n1", "labels": {}}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}
    assert 'node "n1" is not allowed to modify taints' in await asked(NODE, "UPDATE", {**old, "spec": {}}, old)
    labelled = {**old, "metadata": {"name": "n1", "labels": {"node-role.kubernetes.io/control-plane": ""}}}
    assert await asked(NODE, "UPDATE", labelled, old) == (
        'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane'
    )
    assert "is not allowed to set the following labels" in await asked(NODE, "CREATE", labelled)


@pytest.mark.parametrize(
    ("label", "restricted"),
    [
        ("disk", False),
        ("example.com/disk", False),
        ("kubernetes.io/os", False),
        ("node.kubernetes.io/anything", False),
        ("kubelet.kubernetes.io/x", False),
        ("node-restriction.kubernetes.io/x", True),
        ("team.node-restriction.kubernetes.io/x", True),
        ("node-role.kubernetes.io/worker", True),
        ("k8s.io/x", True),
    ],
)
def test_labels_that_steer_pods_are_restricted(label: str, restricted: bool) -> None:
    assert is_restricted(label) is restricted


async def test_a_node_keeps_its_own_lease() -> None:
    own = {"metadata": {"name": "n1", "namespace": "kube-node-lease"}}
    assert await asked(LEASE, "CREATE", own) == ""
    assert "same name as the requesting node" in await asked(
        LEASE, "UPDATE", {"metadata": own["metadata"] | {"name": "n2"}}
    )
    assert 'only access leases in the "kube-node-lease"' in await asked(
        LEASE, "CREATE", {"metadata": {"name": "n1", "namespace": "x"}}
    )


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ({"kind": "Pod", "apiVersion": "v1", "name": "mine", "uid": "u-mine"}, ""),
        (None, "node requested token not bound to a pod"),
        ({"kind": "Pod", "apiVersion": "v1", "name": "mine"}, "without a uid"),
        ({"kind": "Pod", "apiVersion": "v1", "name": "mine", "uid": "z"}, "does not match the UID in record"),
        ({"kind": "Pod", "apiVersion": "v1", "name": "other", "uid": "u-other"}, "scheduled on a different node"),
        ({"kind": "Pod", "apiVersion": "v1", "name": "none", "uid": "z"}, 'pods "none" not found'),
    ],
)
async def test_tokens_are_for_pods_of_the_node(bound: Object | None, why: str) -> None:
    message = await asked(ACCOUNT, "CREATE", {"spec": {"boundObjectRef": bound}}, sub="token", name="bot")
    assert why in message if why else message == ""


async def test_a_node_offers_its_own_devices_alone() -> None:
    for node, why in (
        ("n1", ""),
        ("n2", "can only create ResourceSlice with the same NodeName as the requesting node"),
    ):
        assert (await asked(SLICE, "CREATE", {"metadata": {"name": "s"}, "spec": {"nodeName": node}})).endswith(why)
    theirs = {"metadata": {"name": "s"}, "spec": {"nodeName": "n2"}}
    assert "can only delete ResourceSlice" in await asked(SLICE, "DELETE", None, theirs)


@pytest.mark.parametrize(
    ("name", "signer", "why"),
    [
        ("system:node:n1", "kubernetes.io/kubelet-serving", ""),
        ("system:node:n2", "kubernetes.io/kubelet-serving", "can only create a node CSR with CN=system:node:n1"),
        ("system:node:n2", "kubernetes.io/kube-apiserver-client-kubelet", "can only create a node CSR with CN="),
        ("system:node:n2", "example.com/other", ""),
    ],
)
async def test_a_node_asks_for_certificates_of_its_own(name: str, signer: str, why: str) -> None:
    spec = {"signerName": signer, "request": request(name, ("system:nodes",))}
    message = await asked(CERTIFICATE, "CREATE", {"metadata": {"name": "c"}, "spec": spec})
    assert why in message if why else message == ""
