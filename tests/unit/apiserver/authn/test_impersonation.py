"""Who may act as whom, and what is said to those who may not."""

from typing import Any

import pytest
from multidict import CIMultiDict

from apiserver.authn.impersonation import impersonated
from apiserver.authz.decision import Decision
from apiserver.request import ANONYMOUS, Attributes, User
from podling.api.errors import BadRequest, Forbidden

ROOT = User("root", ("system:masters",))
BOT = User("system:serviceaccount:x:bot", ("system:serviceaccounts",))


class Granted:
    """Allows what is listed: (verb, resource, name)."""

    def __init__(self, *granted: tuple[str, str, str]) -> None:
        self._granted = granted

    def authorize(self, attributes: Attributes) -> Decision:
        asked = (attributes.verb, attributes.resource, attributes.name)
        return Decision("system:masters" in attributes.user.groups or asked in self._granted)


def acting(user: User, *headers: tuple[str, str], granted: Any = ()) -> User:
    asked = Attributes(ANONYMOUS, "list", resource="pods", namespace="x")
    return impersonated(user, CIMultiDict(headers), asked, Granted(*granted))


def test_without_headers_one_is_oneself() -> None:
    assert acting(BOT) is BOT


def test_groups_and_extras_may_come_several_times() -> None:
    user = acting(
        ROOT,
        ("Impersonate-User", "dora"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-Team", "blue"),
        ("Impersonate-Extra-acme.com%2Fproject", "p"),
    )
    assert user == User(
        "dora", ("dev", "ops", "system:authenticated"), "7", {"team": ("blue",), "acme.com/project": ("p",)}
    )


@pytest.mark.parametrize(
    ("headers", "groups"),
    [
        ([("Impersonate-User", "system:anonymous")], ("system:unauthenticated",)),
        (
            [("Impersonate-User", "system:serviceaccount:x:robot")],
            ("system:serviceaccounts", "system:serviceaccounts:x", "system:authenticated"),
        ),
        ([("Impersonate-User", "system:node:n1")], ("system:nodes", "system:authenticated")),
        (
            [("Impersonate-User", "a"), ("Impersonate-Group", "system:unauthenticated")],
            ("system:unauthenticated",),
        ),
    ],
)
def test_some_users_bring_their_groups(headers: list[tuple[str, str]], groups: tuple[str, ...]) -> None:
    assert acting(ROOT, *headers).groups == groups


def test_groups_without_a_user_are_a_bad_request() -> None:
    with pytest.raises(BadRequest) as caught:
        acting(ROOT, ("Impersonate-Group", "dev"))
    assert caught.value.message == (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"dev"}, Extra:map[string][]string(nil)} '
        "without impersonating a user name"
    )


@pytest.mark.parametrize(
    ("wanted", "verb"),
    [
        ("dora", "impersonate-on:user-info:list"),
        ("system:serviceaccount:default:default", "impersonate-on:serviceaccount:list"),
        ("system:node:n1", "impersonate-on:arbitrary-node:list"),
    ],
)
def test_a_stranger_reads_the_first_refusal(wanted: str, verb: str) -> None:
    with pytest.raises(Forbidden) as caught:
        acting(BOT, ("Impersonate-User", wanted))
    assert caught.value.message == (
        f'pods is forbidden: User "system:serviceaccount:x:bot" cannot {verb} resource "pods" in API group "" '
        'in the namespace "x"'
    )


def test_the_old_verb_is_enough() -> None:
    assert acting(BOT, ("Impersonate-User", "dora"), granted=[("impersonate", "users", "dora")]).name == "dora"


def test_the_new_verbs_are_both_needed() -> None:
    on, of = ("impersonate-on:user-info:list", "pods", ""), ("impersonate:user-info", "users", "dora")
    assert acting(BOT, ("Impersonate-User", "dora"), granted=[on, of]).name == "dora"
    for granted in (on, of):
        with pytest.raises(Forbidden):
            acting(BOT, ("Impersonate-User", "dora"), granted=[granted])


def test_the_masters_group_is_for_the_old_verb_alone() -> None:
    headers = (("Impersonate-User", "dora"), ("Impersonate-Group", "system:masters"))
    new = [
        ("impersonate-on:user-info:list", "pods", ""),
        ("impersonate:user-info", "users", "dora"),
        ("impersonate:user-info", "groups", "system:masters"),
    ]
    with pytest.raises(Forbidden, match="impersonating the system:masters group is not allowed"):
        acting(BOT, *headers, granted=new)
    old = [("impersonate", "users", "dora"), ("impersonate", "groups", "system:masters")]
    assert "system:masters" in acting(BOT, *headers, granted=old).groups
