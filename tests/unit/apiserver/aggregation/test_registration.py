"""Which APIServices are written and removed, and who callers are said to be."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiserver.aggregation import identity
from apiserver.aggregation.registration import MANAGED, api_service, due, wanted
from apiserver.kinds import KINDS
from apiserver.request import User

Object = dict[str, Any]


def by_name(*found: Object) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in found}


def custom(group: str = "shop.example.com", **spec: Any) -> Object:
    made = api_service(group, "v1")
    return {**made, "spec": {**made["spec"], **spec}}


def test_every_version_served_but_that_of_api_services_has_one() -> None:
    found = wanted(KINDS)
    assert "v1." in found
    assert "v1.apiregistration.k8s.io" not in found
    assert found["v1.apps"]["spec"] == {
        "group": "apps", "version": "v1", "groupPriorityMinimum": 17800, "versionPriority": 15,
    }  # fmt: skip
    assert "group" not in found["v1."]["spec"]


def test_built_in_ones_are_made_at_the_start_and_custom_ones_always() -> None:
    apps, shop = api_service("apps", "v1"), custom()
    first = due(by_name(apps, shop), {}, starting=True)
    assert first.create == [apps, shop]
    later = due(by_name(apps, shop), {}, starting=False)
    assert later.create == [shop]


def test_one_that_is_not_wanted_any_more_goes_if_it_is_the_servers_own() -> None:
    mine, users = custom("a.example.com"), custom("b.example.com")
    del users["metadata"]["labels"][MANAGED]
    assert due({}, by_name(mine, users), starting=False).remove == ["v1.a.example.com"]
    assert due({}, by_name(api_service("apps", "v1")), starting=False).remove == []


def test_one_that_differs_is_mended_unless_a_user_has_turned_it_to_another_server() -> None:
    shop, changed = custom(), custom(versionPriority=7)
    assert due(by_name(shop), by_name(changed), starting=False).update == [shop]
    turned = custom(service={"name": "s", "namespace": "d"})
    assert due(by_name(shop), by_name(turned), starting=True) == ([], [], [])
    assert due({}, by_name(turned), starting=True).remove == []


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)


@given(words, st.lists(words), st.dictionaries(words.map(str.lower), st.lists(words, min_size=1)))
def test_whoever_is_told_of_reads_the_same_user(name: str, groups: list[str], extra: dict[str, list[str]]) -> None:
    extra = {key.lower(): values for key, values in extra.items()}
    user = User(name, tuple(groups), "u", {key: tuple(values) for key, values in extra.items()})
    assert identity.user(identity.headers(user)) == user


def test_a_token_among_protocols_stays_here() -> None:
    assert identity.protocols("v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0, b") == (
        "v4.channel.k8s.io, b"
    )
    assert [name for name in ("Authorization", "x-remote-group", "Impersonate-User") if
            not identity.is_about_identity(name)] == []  # fmt: skip
    assert not identity.is_about_identity("Accept")
