"""What a kubelet may do: its own node and lease, the pods bound to it, and what those pods refer to.

Everything else a node may do is in the ClusterRole system:node, which nothing is bound to: it is read here.
Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/node/node_authorizer.go.
"""

from collections.abc import Callable, Iterable
from typing import Any

from apiserver.authz import references
from apiserver.authz.decision import Decision
from apiserver.authz.rules import allows
from apiserver.lister import Lister
from apiserver.request import Attributes, User
from podling.api.errors import GroupResource
from podling.api.field import show

NODES_GROUP = "system:nodes"
USER_PREFIX = "system:node:"
LEASE_NAMESPACE = "kube-node-lease"
MIRROR = "kubernetes.io/config.mirror"

PODS = GroupResource("", "pods")
CLAIMS = GroupResource("", "persistentvolumeclaims")
ATTACHMENTS = GroupResource("storage.k8s.io", "volumeattachments")
SLICES = GroupResource("resource.k8s.io", "resourceslices")
CLUSTER_ROLES = GroupResource("rbac.authorization.k8s.io", "clusterroles")

ALLOWED = Decision(True)
ONE_BY_ONE = "can only get individual resources of this type"
READ = ("get", "list", "watch")
Names = Callable[[dict[str, Any]], Iterable[str]]


def node_of(user: User) -> str | None:
    """The node that the user is a kubelet of; None for everybody else."""
    if user.name.startswith(USER_PREFIX) and NODES_GROUP in user.groups:
        return user.name.removeprefix(USER_PREFIX)
    return None


def _no(reason: str = "") -> Decision:
    return Decision(False, reason)


class NodeAuthorizer:
    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._by_resource: dict[tuple[str, str], Callable[[str, Attributes], Decision]] = {
            ("", "secrets"): lambda node, asked: self._read(node, asked, references.secrets),
            ("", "configmaps"): lambda node, asked: self._read(node, asked, references.config_maps),
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._volume,
            ("", "serviceaccounts"): self._service_account,
            ("", "nodes"): self._node,
            ("", "pods"): self._pod,
            ("coordination.k8s.io", "leases"): self._lease,
            ("resource.k8s.io", "resourceclaims"): self._resource_claim,
            ("resource.k8s.io", "resourceslices"): self._resource_slice,
            ("storage.k8s.io", "csinodes"): self._csi_node,
            ("storage.k8s.io", "volumeattachments"): lambda node, asked: self._own(node, asked, ATTACHMENTS),
        }

    def authorize(self, attributes: Attributes) -> Decision:
        node = node_of(attributes.user)
        if node is None:
            return _no()
        if not node:
            return _no(f"unknown node for user {show(attributes.user.name)}")
        special = self._by_resource.get((attributes.group, attributes.resource))
        if special is not None:
            return special(node, attributes)
        role = self._lister.get(CLUSTER_ROLES, "", "system:node") or {}
        return Decision(any(allows(rule, attributes) for rule in role.get("rules") or ()))

    def _read(self, node: str, asked: Attributes, names: Names) -> Decision:
        if asked.verb not in READ:
            return _no("can only read resources of this type")
        if asked.subresource:
            return _no("cannot read subresource")
        if not asked.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, asked, names)

    def _related(self, node: str, asked: Attributes, names: Names) -> Decision:
        if not asked.name:
            return _no("No Object name found")
        for pod in self._lister.list(PODS, asked.namespace):
            if not _runs_on(pod, node):
                continue
            if asked.name in names(pod):
                return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _claim(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource == "status":
            if asked.verb not in {"update", "patch"}:
                return _no("can only get/update/patch this type")
        elif asked.verb != "get":
            return _no(ONE_BY_ONE)
        return self._related(node, asked, references.claims)

    def _volume(self, node: str, asked: Attributes) -> Decision:
        if asked.verb != "get" or asked.subresource or not asked.name:
            return _no(ONE_BY_ONE)
        for pod in self._lister.list(PODS):
            if _runs_on(pod, node):
                for claim in references.claims(pod):
                    found = self._lister.get(CLAIMS, pod["metadata"].get("namespace", ""), claim) or {}
                    if (found.get("spec") or {}).get("volumeName") == asked.name:
                        return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _service_account(self, node: str, asked: Attributes) -> Decision:
        if asked.verb == "get" and not asked.subresource:
            return self._read(node, asked, references.service_accounts)
        if asked.verb != "create" or not asked.name:
            return _no("can only create tokens for individual service accounts")
        if asked.subresource != "token":
            return _no("can only create token subresource of service account")
        return self._related(node, asked, references.service_accounts)

    def _lease(self, node: str, asked: Attributes) -> Decision:
        if asked.verb not in {"get", "create", "update", "patch", "delete"}:
            return _no("can only get, create, update, patch, or delete a node lease")
        if asked.namespace != LEASE_NAMESPACE:
            return _no(f"can only access leases in the {show(LEASE_NAMESPACE)} system namespace")
        if asked.verb != "create" and asked.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return ALLOWED

    def _resource_claim(self, node: str, asked: Attributes) -> Decision:
        if asked.verb != "get" or asked.subresource:
            return _no(ONE_BY_ONE)
        return self._related(node, asked, references.resource_claims)

    def _resource_slice(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        if asked.verb == "create":
            return ALLOWED  # of which node, the NodeRestriction admission says
        if asked.verb in {"get", "update", "patch", "delete"}:
            return self._own(node, asked, SLICES, (asked.verb,))
        if asked.verb not in {"list", "watch", "deletecollection"}:
            verbs = "get, watch, list, create, update, patch, delete, deletecollection"
            return _no(f"only the following verbs are allowed for a ResourceSlice: {verbs}")
        if _selects(asked, "spec.nodeName", node):
            return ALLOWED
        return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")

    def _own(self, node: str, asked: Attributes, of: GroupResource, verbs: tuple[str, ...] = ("get",)) -> Decision:
        """An object that names the node."""
        if asked.verb not in verbs or asked.subresource or not asked.name:
            return _no(ONE_BY_ONE)
        found = self._lister.get(of, "", asked.name) or {}
        if (found.get("spec") or {}).get("nodeName") == node:
            return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _csi_node(self, node: str, asked: Attributes) -> Decision:
        if asked.verb not in {"get", "create", "update", "patch", "delete"}:
            return _no("can only get, create, update, patch, or delete a CSINode")
        if asked.subresource:
            return _no("cannot authorize CSINode subresources")
        if asked.verb != "create" and asked.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return ALLOWED

    def _node(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource == "status":
            return Decision(asked.verb in {"update", "patch"})
        if asked.subresource:
            return _no()
        if asked.verb in {"create", "update", "patch"}:
            return ALLOWED  # of which node, the NodeRestriction admission says
        if asked.verb not in READ:
            return _no()
        if asked.name == node or (not asked.name and _selects(asked, "metadata.name", node)):
            return ALLOWED
        if not asked.name:
            return _no(f"node '{node}' cannot read all nodes, only its own Node object")
        return _no(f"node '{node}' cannot read '{asked.name}', only its own Node object")

    def _pod(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource == "status":
            return Decision(asked.verb in {"update", "patch"})
        if asked.subresource == "eviction":
            return Decision(asked.verb == "create")
        if asked.subresource:
            return _no()
        if asked.verb == "get":
            pod = self._lister.get(PODS, asked.namespace, asked.name)
            if pod is not None and (pod.get("spec") or {}).get("nodeName") == node:
                return ALLOWED
            return _no(f"no relationship found between node '{node}' and this object")
        if asked.verb in {"list", "watch"}:
            if _selects(asked, "spec.nodeName", node):
                return ALLOWED
            return _no("can only list/watch pods with spec.nodeName field selector")
        return Decision(asked.verb in {"create", "delete"})


def _runs_on(pod: dict[str, Any], node: str) -> bool:
    annotations = pod["metadata"].get("annotations") or {}
    return (pod.get("spec") or {}).get("nodeName") == node and MIRROR not in annotations


def _selects(asked: Attributes, field: str, value: str) -> bool:
    terms = {term.strip() for term in asked.field_selector.split(",")}
    return f"{field}={value}" in terms or f"{field}=={value}" in terms
