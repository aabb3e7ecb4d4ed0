"""Nobody grants more than they hold.

Whoever writes a role must hold every rule in it, or may `escalate`; whoever writes a binding must hold every rule of
the role that it refers to, or may `bind` that role; members of system:masters may anything.
Source: k8s.io/kubernetes/pkg/registry/rbac/*/policybased/storage.go, validation/rule.go.
"""

from typing import Any, NamedTuple

from apiserver.authz.authorizer import MASTERS, Chain
from apiserver.authz.rbac import GROUP, RoleNotFound
from apiserver.authz.rules import Rule, compact, covers, quoted, text
from apiserver.refusal import Unexplained
from apiserver.request import Attributes, User
from podling.api import errors
from podling.api.errors import BadRequest, GroupResource
from podling.api.field import show

ROLES = ("roles", "clusterroles")
BINDINGS = ("rolebindings", "clusterrolebindings")
PLURALS = {"Role": "roles", "ClusterRole": "clusterroles"}
EVERYTHING: list[Rule] = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


class Grant(NamedTuple):
    """A write of any kind; `old` is None on creation."""

    user: User
    resource: GroupResource
    namespace: str
    new: dict[str, Any]
    old: dict[str, Any] | None

    @property
    def name(self) -> str:
        return str(self.new["metadata"].get("name", ""))


def check(authorizer: Chain, grant: Grant) -> None:
    """Refuse a write of one of the RBAC kinds with Kubernetes' words; other kinds pass."""
    if grant.resource.group != GROUP or MASTERS in grant.user.groups or _only_for_garbage_collection(grant):
        return
    if grant.resource.resource in ROLES:
        _check_role(authorizer, grant)
    elif grant.resource.resource in BINDINGS:
        _check_binding(authorizer, grant)


def _check_role(authorizer: Chain, grant: Grant) -> None:
    if _may(authorizer, grant, "escalate", grant.resource.resource, grant.name):
        return
    _check_rules(authorizer, grant, grant.new.get("rules") or [])
    if _aggregates(grant.new) or _aggregates(grant.old or {}):
        owned, _ = authorizer.rbac.rules_for(grant.user, grant.namespace)
        if covers(owned, EVERYTHING):
            why = "must have cluster-admin privileges to use an aggregationRule"
            raise errors.forbidden(grant.resource, grant.name, why)


def _aggregates(role: dict[str, Any]) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


def _check_binding(authorizer: Chain, grant: Grant) -> None:
    reference = grant.new.get("roleRef") or {}
    kind, role = reference.get("kind", ""), reference.get("name", "")
    if _may(authorizer, grant, "bind", PLURALS.get(kind, ""), role):
        return
    if kind not in PLURALS:
        raise Unexplained(f"unsupported role reference kind: {show(kind)}")
    if kind == "Role" and not grant.namespace:
        raise BadRequest("Namespace parameter required.")
    if not role:
        raise BadRequest("Name parameter required.")
    try:
        rules = authorizer.rbac.role_rules(kind, role, grant.namespace)
    except RoleNotFound:
        raise errors.not_found(grant.resource, role) from None
    _check_rules(authorizer, grant, rules)


def _may(authorizer: Chain, grant: Grant, verb: str, resource: str, name: str) -> bool:
    asked = Attributes(grant.user, verb, GROUP, "v1", resource, "", grant.namespace, name)
    return authorizer.authorize(asked).allowed


def _check_rules(authorizer: Chain, grant: Grant, rules: list[Rule]) -> None:
    owned, failures = authorizer.rbac.rules_for(grant.user, grant.namespace)
    missing = covers(owned, rules)
    if not missing:
        return
    lines = "\n".join(sorted({text(rule) for rule in compact(missing)}))
    who = f"user {show(grant.user.name)} (groups={quoted(grant.user.groups)})"
    why = f"{who} is attempting to grant RBAC permissions not currently held:\n{lines}"
    if failures:
        why += f"; resolution errors: [{', '.join(failures)}]"
    raise errors.forbidden(grant.resource, grant.name, why)


def _only_for_garbage_collection(grant: Grant) -> bool:
    """An update that touches nothing but finalizers and owners: the collector may not hold any of the rules."""
    ignored = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")

    def rest(body: dict[str, Any]) -> dict[str, Any]:
        metadata = {key: value for key, value in body["metadata"].items() if key not in ignored}
        return {**body, "metadata": metadata}

    return grant.old is not None and rest(grant.new) == rest(grant.old)
