"""Role-based access control: the bindings of a user and its groups, and the rules of the roles they refer to.

Bindings are indexed by subject and the index is rebuilt when a binding has changed; roles are looked up as they are at
the moment of the question. Cluster-wide bindings come before those of the namespace, as in Kubernetes.
Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from apiserver.authz.decision import Decision
from apiserver.authz.rules import Rule, allows
from apiserver.lister import Lister
from apiserver.request import Attributes, User
from podling.api.errors import GroupResource
from podling.api.field import show

GROUP = "rbac.authorization.k8s.io"
ROLES = GroupResource(GROUP, "roles")
ROLE_BINDINGS = GroupResource(GROUP, "rolebindings")
CLUSTER_ROLES = GroupResource(GROUP, "clusterroles")
CLUSTER_ROLE_BINDINGS = GroupResource(GROUP, "clusterrolebindings")

Subject = tuple[str, str]  # ("User" or "Group", name)


class RoleNotFound(Exception):
    """A binding refers to a role that is not there."""


class Bound(NamedTuple):
    """One subject of one binding. `description` is how reasons name it."""

    binding: str  # its name, unique in the namespace
    description: str
    namespace: str  # "" for a ClusterRoleBinding
    role_kind: str
    role_name: str


class RbacAuthorizer:
    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._versions = (-1, -1)
        self._cluster: dict[Subject, list[Bound]] = {}
        self._namespaced: dict[str, dict[Subject, list[Bound]]] = {}

    def authorize(self, attributes: Attributes) -> Decision:
        failures: list[str] = []
        for bound in self.bindings(attributes.user, attributes.namespace):
            try:
                rules = self.role_rules(bound.role_kind, bound.role_name, bound.namespace)
            except RoleNotFound as error:
                failures.append(str(error))
                continue
            if any(allows(rule, attributes) for rule in rules):
                return Decision(True, f"RBAC: allowed by {bound.description}")
        return Decision(False, f"RBAC: {joined(failures)}" if failures else "")

    def rules_for(self, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
        """Every rule that the user has in a namespace ("" for the cluster's alone), and what could not be resolved."""
        rules: list[Rule] = []
        failures: list[str] = []
        for bound in self.bindings(user, namespace):
            try:
                rules.extend(self.role_rules(bound.role_kind, bound.role_name, bound.namespace))
            except RoleNotFound as error:
                failures.append(str(error))
        return rules, failures

    def role_rules(self, kind: str, name: str, namespace: str) -> list[Rule]:
        """The rules of the role that a binding in `namespace` refers to; raises `RoleNotFound`."""
        if kind == "Role":
            role = self._lister.get(ROLES, namespace, name)
        elif kind == "ClusterRole":
            role = self._lister.get(CLUSTER_ROLES, "", name)
        else:
            raise RoleNotFound(f"unsupported role reference kind: {show(kind)}")
        if role is None:
            raise RoleNotFound(f"{kind.lower()}.{GROUP} {show(name)} not found")
        return role.get("rules") or []

    def bindings(self, user: User, namespace: str) -> Iterator[Bound]:
        """What is bound to the user, each binding once (by the first of its subjects that is this user)."""
        self._refresh()
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        here = self._namespaced.get(namespace) if namespace else None
        for index in (self._cluster, here or {}):
            seen: set[str] = set()
            for subject in subjects:
                for bound in index.get(subject, ()):
                    if bound.binding not in seen:
                        seen.add(bound.binding)
                        yield bound

    def _refresh(self) -> None:
        versions = (self._lister.version(CLUSTER_ROLE_BINDINGS), self._lister.version(ROLE_BINDINGS))
        if versions == self._versions:
            return
        if versions[0] != self._versions[0]:
            self._cluster = {}
            for binding in self._lister.list(CLUSTER_ROLE_BINDINGS):
                _index(binding, "", self._cluster)
        if versions[1] != self._versions[1]:
            self._namespaced = {}
            for binding in self._lister.list(ROLE_BINDINGS):
                namespace = binding["metadata"].get("namespace", "")
                _index(binding, namespace, self._namespaced.setdefault(namespace, {}))
        self._versions = versions


def _index(binding: dict[str, Any], namespace: str, index: dict[Subject, list[Bound]]) -> None:
    role, name = binding.get("roleRef") or {}, binding["metadata"]["name"]
    kind, role_name = role.get("kind", ""), role.get("name", "")
    shown = f"RoleBinding {show(f'{name}/{namespace}')}" if namespace else f"ClusterRoleBinding {show(name)}"
    for subject in binding.get("subjects") or ():
        who = describe(subject, namespace)
        key = subject_key(subject, namespace)
        if key is not None:
            bound = Bound(name, f"{shown} of {kind} {show(role_name)} to {who}", namespace, kind, role_name)
            index.setdefault(key, []).append(bound)


def subject_key(subject: dict[str, Any], namespace: str) -> Subject | None:
    """Whom a subject means; a service account is a user. None where no user can ever match."""
    kind, name = subject.get("kind", ""), subject.get("name", "")
    if kind in {"User", "Group"}:
        return kind, name
    where = subject.get("namespace") or namespace
    if kind == "ServiceAccount" and where:
        return "User", f"system:serviceaccount:{where}:{name}"
    return None


def describe(subject: dict[str, Any], namespace: str) -> str:
    kind, name = subject.get("kind", ""), subject.get("name", "")
    if kind == "ServiceAccount":
        name = f"{name}/{subject.get('namespace') or namespace}"
    return f"{kind} {show(name)}"


def joined(messages: list[str]) -> str:
    """Several messages as one, as Kubernetes' aggregated errors read."""
    unique = list(dict.fromkeys(messages))
    return unique[0] if len(unique) == 1 else "[" + ", ".join(unique) + "]"
