"""Nobody grants more than they hold.

Whoever writes a role must hold every rule in it, or may `escalate`; whoever writes a binding must hold every rule of
the role that it refers to, or may `bind` that role; members of system:masters may anything.
Source: k8s.io/kubernetes/pkg/registry/rbac/*/policybased/storage.go, validation/rule.go.
"""

from typing import Any

from apiserver.authz.authorizer import MASTERS, Chain
from apiserver.authz.rbac import GROUP, RoleNotFound
from apiserver.authz.rules import Rule, compact, covers, quoted, text
from apiserver.request import Attributes, User
from podling.api import errors
from podling.api.errors import GroupResource
from podling.api.field import show

ROLES = ("roles", "clusterroles")
BINDINGS = ("rolebindings", "clusterrolebindings")
EVERYTHING: list[Rule] = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


def check(
    authorizer: Chain,
    user: User,
    resource: GroupResource,
    namespace: str,
    new: dict[str, Any],
    old: dict[str, Any] | None,
) -> None:
    """Refuse a write of one of the RBAC kinds with Kubernetes' words; other kinds pass."""
    if resource.group != GROUP or MASTERS in user.groups or _only_for_garbage_collection(new, old):
        return
    name = new["metadata"].get("name", "")
    if resource.resource in ROLES:
        if authorizer.authorize(_asked(user, "escalate", resource.resource, namespace, name)).allowed:
            return
        _check_rules(authorizer, user, resource, namespace, name, new.get("rules") or [])
        if new.get("aggregationRule") and covers(authorizer.rbac.rules_for(user, namespace)[0], EVERYTHING):
            raise errors.forbidden(resource, name, "must have cluster-admin privileges to use an aggregationRule")
    elif resource.resource in BINDINGS:
        reference = new.get("roleRef") or {}
        kind, role = reference.get("kind", ""), reference.get("name", "")
        plural = {"Role": "roles", "ClusterRole": "clusterroles"}.get(kind, "")
        if authorizer.authorize(_asked(user, "bind", plural, namespace, role)).allowed:
            return
        try:
            rules = authorizer.rbac.role_rules(kind, role, namespace)
        except RoleNotFound:
            raise errors.not_found(resource, role) from None
        _check_rules(authorizer, user, resource, namespace, name, rules)


def _asked(user: User, verb: str, resource: str, namespace: str, name: str) -> Attributes:
    return Attributes(user, verb, GROUP, "v1", resource, "", namespace, name)


def _check_rules(
    authorizer: Chain, user: User, resource: GroupResource, namespace: str, name: str, rules: list[Rule]
) -> None:
    owned, failures = authorizer.rbac.rules_for(user, namespace)
    missing = covers(owned, rules)
    if not missing:
        return
    lines = "\n".join(sorted({text(rule) for rule in compact(missing)}))
    who = f"user {show(user.name)} (groups={quoted(user.groups)})"
    why = f"{who} is attempting to grant RBAC permissions not currently held:\n{lines}"
    if failures:
        why += f"; resolution errors: [{', '.join(failures)}]"
    raise errors.forbidden(resource, name, why)


def _only_for_garbage_collection(new: dict[str, Any], old: dict[str, Any] | None) -> bool:
    """An update that touches nothing but finalizers and owners: the collector may not hold any of the rules."""
    if old is None:
        return False
    ignored = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")

    def rest(body: dict[str, Any]) -> dict[str, Any]:
        metadata = {key: value for key, value in body["metadata"].items() if key not in ignored}
        return {**body, "metadata": metadata}

    return rest(new) == rest(old)
