"""Nobody grants more than they hold."""

from typing import Any

import pytest

from apiserver.authz.authorizer import Chain
from apiserver.authz.escalation import Grant, check
from apiserver.authz.rbac import GROUP, ROLE_BINDINGS, ROLES
from apiserver.lister import MemoryLister
from apiserver.request import User
from podling.api.errors import ApiError, Forbidden, GroupResource, NotFound

KIRA = User("kira", ("keepers", "system:authenticated"))
GET_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "x"}, "rules": list(rules)}


def binding(name: str, of: str) -> dict[str, Any]:
    subject = {"kind": "User", "name": "kira"}
    return {
        "metadata": {"name": name, "namespace": "x"},
        "roleRef": {"kind": "Role", "name": of},
        "subjects": [subject],
    }


def world(*more: dict[str, Any]) -> Chain:
    lister = MemoryLister([(ROLES, role("keeper", GET_PODS, *more)), (ROLES, role("big", EVERYTHING))])
    lister.put(ROLE_BINDINGS, binding("keeper", "keeper"))
    return Chain(lister)


def refusal(chain: Chain, resource: GroupResource, new: dict[str, Any], old: dict[str, Any] | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        check(chain, Grant(KIRA, resource, "x", new, old))
    return caught.value


def test_a_role_within_what_one_holds_is_written() -> None:
    check(world(), Grant(KIRA, ROLES, "x", role("same", GET_PODS), None))


def test_a_role_beyond_is_refused_with_what_is_missing() -> None:
    error = refusal(world(), ROLES, role("more", {**GET_PODS, "verbs": ["get", "list"]}))
    assert isinstance(error, Forbidden)
    assert error.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "kira" (groups=["keepers" "system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}'
    )


def test_who_may_escalate_writes_any_role() -> None:
    escalate = {"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["escalate"]}
    check(world(escalate), Grant(KIRA, ROLES, "x", role("more", EVERYTHING), None))


def test_masters_write_any_role() -> None:
    check(world(), Grant(User("root", ("system:masters",)), ROLES, "x", role("more", EVERYTHING), None))


def test_a_binding_to_a_role_that_one_does_not_hold_is_refused() -> None:
    assert (
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'
        in refusal(world(), ROLE_BINDINGS, binding("b", "big")).message
    )


def test_who_may_bind_a_role_need_not_hold_it() -> None:
    bind = {"apiGroups": [GROUP], "resources": ["roles"], "resourceNames": ["big"], "verbs": ["bind"]}
    check(world(bind), Grant(KIRA, ROLE_BINDINGS, "x", binding("b", "big"), None))


def test_a_binding_to_a_role_that_is_not_there_is_not_found() -> None:
    error = refusal(world(), ROLE_BINDINGS, binding("b", "none"))
    assert isinstance(error, NotFound)
    assert error.message == 'rolebindings.rbac.authorization.k8s.io "none" not found'


@pytest.mark.parametrize(
    ("reference", "namespace", "words"),
    [
        ({"kind": "Robot", "name": "r"}, "x", 'unsupported role reference kind: "Robot"'),
        ({"kind": "Role", "name": "r"}, "", "Namespace parameter required."),
        ({"kind": "ClusterRole"}, "x", "Name parameter required."),
    ],
)
def test_a_reference_that_can_be_no_role_is_not_even_looked_for(
    reference: dict[str, str], namespace: str, words: str
) -> None:
    new = {**binding("b", "r"), "roleRef": reference}
    with pytest.raises(ApiError) as caught:
        check(world(), Grant(KIRA, ROLE_BINDINGS, namespace, new, None))
    assert caught.value.message == words


def test_a_change_for_the_garbage_collector_alone_needs_nothing() -> None:
    old = role("big", EVERYTHING)
    new = {**old, "metadata": {**old["metadata"], "finalizers": ["x/y"]}}
    check(world(), Grant(KIRA, ROLES, "x", new, old))


def test_aggregation_needs_everything() -> None:
    cluster_roles = GroupResource(GROUP, "clusterroles")
    rule: dict[str, Any] = {"clusterRoleSelectors": [{}]}
    new = {"metadata": {"name": "all"}, "rules": None, "aggregationRule": rule}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use an aggregationRule"):
        check(world(), Grant(KIRA, cluster_roles, "", new, None))
    without = {**new, "aggregationRule": {"clusterRoleSelectors": []}}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use an aggregationRule"):
        check(world(), Grant(KIRA, cluster_roles, "", without, new))
    check(world(), Grant(KIRA, cluster_roles, "", without, None))  # its selectors are nobody's but validation's
