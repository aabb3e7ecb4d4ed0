"""Rules, bindings and refusals of role-based access control."""

from typing import Any

import pytest

from apiserver.authz.authorizer import Chain
from apiserver.authz.decision import forbidden_error
from apiserver.authz.rbac import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from apiserver.authz.rules import allows, compact, covers, path_matches, text
from apiserver.lister import MemoryLister
from apiserver.request import Attributes, User

DORA = User("dora", ("dev", "system:authenticated"))


def asked(verb: str, resource: str = "", user: User = DORA, **more: Any) -> Attributes:
    return Attributes(user, verb, resource=resource, **more)


def role(name: str, *rules: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"metadata": metadata, "rules": list(rules)}


def binding(name: str, kind: str, of: str, *subjects: dict[str, str], namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"metadata": metadata, "roleRef": {"kind": kind, "name": of}, "subjects": list(subjects)}


PODS = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}


@pytest.mark.parametrize(
    ("rule", "question", "allowed"),
    [
        (PODS, asked("get", "pods"), True),
        (PODS, asked("watch", "pods"), False),
        (PODS, asked("get", "pods", subresource="log"), True),
        (PODS, asked("get", "pods", subresource="exec"), False),
        (PODS, asked("get", "pods", group="apps"), False),
        ({**PODS, "verbs": ["*"]}, asked("watch", "pods"), True),
        ({**PODS, "resources": ["*"]}, asked("get", "pods", subresource="exec"), True),
        ({**PODS, "resources": ["*/scale"]}, asked("get", "pods", subresource="scale"), True),
        ({**PODS, "resources": ["*/scale"]}, asked("get", "pods"), False),
        ({**PODS, "apiGroups": ["*"]}, asked("get", "pods", group="apps"), True),
        ({**PODS, "resourceNames": ["a"]}, asked("get", "pods", name="a"), True),
        ({**PODS, "resourceNames": ["a"]}, asked("get", "pods", name="b"), False),
        ({**PODS, "resourceNames": ["a"]}, asked("list", "pods"), False),
        (PODS, asked("get", path="/version"), False),
        ({"nonResourceURLs": ["/version"], "verbs": ["get"]}, asked("get", path="/version"), True),
        ({"nonResourceURLs": ["/version"], "verbs": ["get"]}, asked("get", "pods"), False),
    ],
)
def test_a_rule_allows_what_it_says_and_no_more(rule: dict[str, Any], question: Attributes, allowed: bool) -> None:
    assert allows(rule, question) is allowed


@pytest.mark.parametrize(
    ("url", "path", "matches"),
    [
        ("*", "/x", True),
        ("/apis/*", "/apis/apps", True),
        ("/apis/*", "/apis", False),
        ("/apis", "/apis/apps", False),
        ("/healthz*", "/healthz/ping", True),
    ],
)
def test_paths_match_exactly_or_below_a_star(url: str, path: str, matches: bool) -> None:
    assert path_matches(url, path) is matches


def test_a_binding_in_a_namespace_counts_there_alone_and_tells_why() -> None:
    lister = MemoryLister()
    lister.put(ROLES, role("r", PODS, namespace="x"))
    lister.put(ROLE_BINDINGS, binding("b", "Role", "r", {"kind": "User", "name": "dora"}, namespace="x"))
    chain = Chain(lister)
    allowed = chain.authorize(asked("get", "pods", namespace="x"))
    assert allowed == (True, 'RBAC: allowed by RoleBinding "b/x" of Role "r" to User "dora"')
    assert chain.authorize(asked("get", "pods", namespace="y")) == (False, "")
    assert chain.authorize(asked("get", "pods")) == (False, "")


def test_a_cluster_binding_counts_everywhere_and_groups_and_accounts_are_subjects() -> None:
    lister = MemoryLister([(CLUSTER_ROLES, role("r", PODS))])
    subjects = ({"kind": "Group", "name": "ops"}, {"kind": "ServiceAccount", "name": "bot", "namespace": "y"})
    lister.put(CLUSTER_ROLE_BINDINGS, binding("b", "ClusterRole", "r", *subjects))
    chain = Chain(lister)
    of_group = chain.authorize(asked("get", "pods", User("olga", ("ops",)), namespace="x"))
    of_account = chain.authorize(asked("get", "pods", User("system:serviceaccount:y:bot")))
    assert of_group.reason == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "ops"'
    assert of_account.reason == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to ServiceAccount "bot/y"'
    assert not chain.authorize(asked("get", "pods")).allowed


def test_changes_of_roles_and_bindings_count_at_once() -> None:
    lister = MemoryLister()
    chain = Chain(lister)
    question = asked("get", "pods", namespace="x")
    assert not chain.authorize(question).allowed
    lister.put(ROLE_BINDINGS, binding("b", "Role", "r", {"kind": "Group", "name": "dev"}, namespace="x"))
    missing = chain.authorize(question)
    assert missing == (False, 'RBAC: role.rbac.authorization.k8s.io "r" not found')
    lister.put(ROLES, role("r", PODS, namespace="x"))
    assert chain.authorize(question).allowed
    lister.put(ROLES, role("r", namespace="x"))
    assert not chain.authorize(question).allowed
    lister.put(ROLES, role("r", PODS, namespace="x"))
    lister.remove(ROLE_BINDINGS, "x", "b")
    assert not chain.authorize(question).allowed


def test_masters_may_everything_and_need_no_role() -> None:
    assert Chain(MemoryLister()).authorize(asked("delete", "nodes", User("root", ("system:masters",)))) == (True, "")


@pytest.mark.parametrize(
    ("question", "message", "details"),
    [
        (
            asked("list", "pods", namespace="x"),
            'pods is forbidden: User "dora" cannot list resource "pods" in API group "" in the namespace "x"',
            {"kind": "pods"},
        ),
        (
            asked("patch", "deployments", group="apps", subresource="scale", namespace="x", name="a"),
            'deployments.apps "a" is forbidden: User "dora" cannot patch resource "deployments/scale" '
            'in API group "apps" in the namespace "x"',
            {"group": "apps", "kind": "deployments", "name": "a"},
        ),
        (
            asked("list", "nodes"),
            'nodes is forbidden: User "dora" cannot list resource "nodes" in API group "" at the cluster scope',
            {"kind": "nodes"},
        ),
        (asked("get", path="/metrics"), 'forbidden: User "dora" cannot get path "/metrics"', {}),
    ],
)
def test_refusals_are_in_kubernetes_words(question: Attributes, message: str, details: dict[str, str]) -> None:
    error = forbidden_error(question, Chain(MemoryLister()).authorize(question))
    assert (error.message, error.details) == (message, details)


def test_what_is_not_held_is_told_by_resource_with_its_verbs() -> None:
    wanted = {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "delete"]}
    missing = covers([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}], [wanted])
    assert [text(rule) for rule in compact(missing)] == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
    ]


@pytest.mark.parametrize(
    ("owned", "wanted", "covered"),
    [
        ({**PODS, "verbs": ["*"]}, PODS, True),
        (PODS, {**PODS, "verbs": ["*"]}, False),
        (PODS, {**PODS, "resourceNames": ["a"]}, True),
        ({**PODS, "resourceNames": ["a"]}, PODS, False),
        ({**PODS, "resourceNames": ["a", "b"]}, {**PODS, "resourceNames": ["b"]}, True),
        ({**PODS, "resources": ["*/log"]}, {**PODS, "resources": ["pods/log"]}, True),
        ({"nonResourceURLs": ["/a/*"], "verbs": ["get"]}, {"nonResourceURLs": ["/a/b"], "verbs": ["get"]}, True),
        ({"nonResourceURLs": ["/a"], "verbs": ["get"]}, {"nonResourceURLs": ["/a/b"], "verbs": ["get"]}, False),
    ],
)
def test_a_rule_covers_another(owned: dict[str, Any], wanted: dict[str, Any], covered: bool) -> None:
    assert (covers([owned], [wanted]) == []) is covered
