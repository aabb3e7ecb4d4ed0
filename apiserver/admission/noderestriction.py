"""NodeRestriction: a kubelet changes its own node, its own lease, and the pods bound to it; nothing else.

Source: k8s.io/kubernetes/plugin/pkg/admission/noderestriction/admission.go,
k8s.io/kubelet/pkg/apis/well_known_labels.go.
"""

from typing import Any

from apiserver.admission.plugin import Admission, Mutating
from apiserver.authz import references
from apiserver.authz.node import LEASE_NAMESPACE, MIRROR, PODS, node_of
from apiserver.lister import Lister
from podling.api import errors
from podling.api.certificate_request import KUBELET_CLIENT, KUBELET_SERVING, Malformed, parse, subject
from podling.api.errors import GroupResource
from podling.api.field import show

NODES = GroupResource("", "nodes")
RESTRICTED = "node-restriction.kubernetes.io"
KUBELET_LABELS = {
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
}
KUBELET_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")

Object = dict[str, Any]


class NodeRestriction(Mutating):
    name = "NodeRestriction"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._by_resource = {
            ("", "pods"): self._pod,
            ("", "nodes"): self._node,
            ("", "serviceaccounts"): self._service_account,
            ("certificates.k8s.io", "certificatesigningrequests"): self._certificate,
            ("coordination.k8s.io", "leases"): self._lease,
            ("resource.k8s.io", "resourceslices"): self._resource_slice,
            ("storage.k8s.io", "csinodes"): self._csi_node,
        }

    async def admit(self, write: Admission) -> None:
        node = node_of(write.user)
        if node is None or write.operation == "CONNECT":
            return
        if not node:
            raise write.forbidden(f"could not determine node from user {show(write.user.name)}")
        rule = self._by_resource.get(write.kind.resource)
        if rule is not None:
            rule(node, write)

    def _pod(self, node: str, write: Admission) -> None:
        if write.subresource == "status":
            self._pod_status(node, write)
        elif write.subresource == "eviction":
            self._own_pod(node, write, write.name, f"node {node} can only evict pods with spec.nodeName set to itself")
        elif write.subresource:
            shown = show(write.subresource)
            raise write.forbidden(f"unexpected pod subresource {shown}, only 'status' and 'eviction' are allowed")
        elif write.operation == "CREATE" and write.object is not None:
            self._mirror(node, write, write.object)
        elif write.operation == "DELETE":
            words = f"node {show(node)} can only delete pods with spec.nodeName set to itself"
            self._own_pod(node, write, write.name, words)
        else:
            who = f"node {show(node)} can only create and delete mirror pods"
            raise write.forbidden(f"unexpected operation {show(write.operation)}, {who}")

    def _own_pod(self, node: str, write: Admission, name: str, otherwise: str) -> Object:
        pod = self._lister.get(PODS, write.namespace, name)
        if pod is None:
            raise errors.not_found(PODS, name)
        if pod["spec"].get("nodeName") != node:
            raise write.forbidden(otherwise)
        return pod

    def _pod_status(self, node: str, write: Admission) -> None:
        new, old = write.object or {}, write.old or {}
        if write.operation != "UPDATE":
            raise write.forbidden(f"unexpected operation {show(write.operation)}")
        if (old.get("spec") or {}).get("nodeName") != node:
            words = f"node {show(node)} can only update pod status for pods with spec.nodeName set to itself"
            raise write.forbidden(words)
        if (new["metadata"].get("labels") or {}) != (old["metadata"].get("labels") or {}):
            raise write.forbidden(f"node {show(node)} cannot update labels through pod status")
        claims = [(body.get("status") or {}).get("resourceClaimStatuses") or [] for body in (new, old)]
        if claims[0] != claims[1]:
            raise write.forbidden(f"node {show(node)} cannot update resource claim statues")

    def _mirror(self, node: str, write: Admission, pod: Object) -> None:
        who = f"node {show(node)}"
        spec, metadata = pod["spec"], pod["metadata"]
        if MIRROR not in (metadata.get("annotations") or {}):
            words = f"pod does not have {show(MIRROR)} annotation, {who} can only create mirror pods"
            raise write.forbidden(words)
        if spec.get("nodeName") != node:
            raise write.forbidden(f"{who} can only create pods with spec.nodeName set to itself")
        self._check_owner(node, write, metadata.get("ownerReferences") or [])
        if spec.get("serviceAccountName"):
            raise write.forbidden(f"{who} can not create pods that reference a service account")
        if any(references.secrets(pod)):
            raise write.forbidden(f"{who} can not create pods that reference secrets")
        if any(references.config_maps(pod)):
            raise write.forbidden(f"{who} can not create pods that reference configmaps")
        if any("persistentVolumeClaim" in volume for volume in spec.get("volumes") or ()):
            raise write.forbidden(f"{who} can not create pods that reference persistentvolumeclaims")

    def _check_owner(self, node: str, write: Admission, owners: list[Object]) -> None:
        who = f"node {show(node)}"
        if len(owners) > 1:
            raise write.forbidden(f"{who} can only create pods with a single owner reference set to itself")
        owner = owners[0] if owners else {}
        if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
            raise write.forbidden(f"{who} can only create pods with an owner reference set to itself")
        if not owner.get("controller"):
            raise write.forbidden(f"{who} can only create pods with a controller owner reference set to itself")
        if owner.get("blockOwnerDeletion"):
            raise write.forbidden(f"{who} must not set blockOwnerDeletion on an owner reference")
        found = self._lister.get(NODES, "", node)
        if found is None:
            raise errors.not_found(NODES, node)
        if owner.get("uid") != found["metadata"].get("uid"):
            uids = f"expected {owner.get('uid')} got {found['metadata'].get('uid')}"
            raise write.forbidden(f"node {node} UID mismatch: {uids}")

    def _node(self, node: str, write: Admission) -> None:
        if write.shown_name != node:
            raise write.forbidden(f"node {show(node)} is not allowed to modify node {show(write.shown_name)}")
        new, old = write.object or {}, write.old or {}
        spec, metadata = new.get("spec") or {}, new.get("metadata") or {}
        changed = changed_labels(metadata.get("labels") or {}, ((old.get("metadata") or {}).get("labels")) or {})
        refused = ", ".join(sorted(label for label in changed if is_restricted(label)))
        if write.operation == "CREATE":
            if spec.get("configSource") is not None:
                raise write.forbidden(f"node {show(node)} is not allowed to create pods with a non-nil configSource")
            if refused:
                raise write.forbidden(f"node {show(node)} is not allowed to set the following labels: {refused}")
        elif write.operation == "UPDATE":
            if (spec.get("taints") or []) != ((old.get("spec") or {}).get("taints") or []):
                raise write.forbidden(f"node {show(node)} is not allowed to modify taints")
            if refused:
                raise write.forbidden(f"is not allowed to modify labels: {refused}")

    def _service_account(self, node: str, write: Admission) -> None:
        if write.operation != "CREATE" or write.subresource != "token":
            return
        reference = ((write.object or {}).get("spec") or {}).get("boundObjectRef") or {}
        if reference.get("apiVersion") != "v1" or reference.get("kind") != "Pod" or not reference.get("name"):
            raise write.forbidden("node requested token not bound to a pod")
        if not reference.get("uid"):
            raise write.forbidden("node requested token with a pod binding without a uid")
        pod = self._lister.get(PODS, write.namespace, reference["name"])
        if pod is None:
            raise errors.not_found(PODS, reference["name"])
        if pod["metadata"].get("uid") != reference["uid"]:
            raise write.forbidden(
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
        if pod["spec"].get("nodeName") != node:
            raise write.forbidden("node requested token bound to a pod scheduled on a different node")

    def _lease(self, node: str, write: Admission) -> None:
        if write.namespace != LEASE_NAMESPACE:
            raise write.forbidden(f"can only access leases in the {show(LEASE_NAMESPACE)} system namespace")
        if write.shown_name != node:
            raise write.forbidden("can only access node lease with the same name as the requesting node")

    def _certificate(self, node: str, write: Admission) -> None:
        """A kubelet asks for certificates of its own node alone."""
        spec = (write.object or {}).get("spec") or {}
        if write.operation != "CREATE" or spec.get("signerName") not in (KUBELET_CLIENT, KUBELET_SERVING):
            return
        try:
            asked = subject(parse(spec.get("request") or ""))
        except Malformed as error:
            raise write.forbidden(f"unable to parse csr: {error}") from None
        if asked.common_name != write.user.name:
            raise write.forbidden(f"can only create a node CSR with CN={write.user.name}")

    def _resource_slice(self, node: str, write: Admission) -> None:
        found = {"CREATE": write.object, "DELETE": write.old}.get(write.operation)
        if found is not None and (found.get("spec") or {}).get("nodeName") != node:
            verb = write.operation.lower()
            raise write.forbidden(f"can only {verb} ResourceSlice with the same NodeName as the requesting node")

    def _csi_node(self, node: str, write: Admission) -> None:
        if write.shown_name != node:
            raise write.forbidden("can only access CSINode with the same name as the requesting node")


def changed_labels(new: dict[str, str], old: dict[str, str]) -> set[str]:
    return {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)}


def is_restricted(label: str) -> bool:
    """Labels that only administrators set: they could steer pods to a node."""
    namespace, slash, _ = label.partition("/")
    if not slash:
        return False

    def within(domain: str) -> bool:
        return namespace == domain or namespace.endswith(f".{domain}")

    if within(RESTRICTED):
        return True
    if not (within("kubernetes.io") or within("k8s.io")):
        return False
    return label not in KUBELET_LABELS and not any(within(allowed) for allowed in KUBELET_NAMESPACES)
