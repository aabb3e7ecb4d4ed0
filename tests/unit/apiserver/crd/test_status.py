"""Which names a definition has, and what its conditions say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.crd import names, status
from apiserver.discovery.priority import priority
from tests.unit.apiserver.crd.boats import definition, version

Object = dict[str, Any]

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"


def fresh(**names: Any) -> Object:
    made = definition(version("v1", storage=True), names=names)
    made["status"] = {"acceptedNames": {"plural": "", "kind": ""}, "conditions": None, "storedVersions": ["v1"]}
    return made


def said(obj: Object) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in obj["status"]["conditions"] or ()}


def test_a_definition_alone_has_the_names_that_it_wants() -> None:
    named = status.named(fresh(shortNames=["b"]), [], NOW)
    assert named["status"]["acceptedNames"] == {"plural": "boats", "kind": "Boat", "shortNames": ["b"]}
    assert said(named) == {"NamesAccepted": ("True", "NoConflicts"), "Established": ("False", "Installing")}
    assert status.named(named, [], LATER) == named, "there is nothing more to say"
    assert said(status.established(named, LATER))["Established"] == ("True", "InitialNamesAccepted")


@pytest.mark.parametrize(
    ("wanted", "reason", "message"),
    [
        ({"plural": "ships"}, "PluralConflict", '"ships" is already in use'),
        ({"singular": "ship"}, "SingularConflict", '"ship" is already in use'),
        ({"shortNames": ["sh", "x"]}, "ShortNamesConflict", '"sh" is already in use'),
        ({"shortNames": ["sh", "ship"]}, "ShortNamesConflict", '["sh" is already in use, "ship" is already in use]'),
        ({"kind": "Ship"}, "KindConflict", '"Ship" is already in use'),
        ({"kind": "Ship", "listKind": "ShipList"}, "ListKindConflict", '"ShipList" is already in use'),
    ],
)
def test_a_name_that_another_has_is_refused(wanted: Object, reason: str, message: str) -> None:
    taken = {"plural": "ships", "singular": "ship", "shortNames": ["sh"], "kind": "Ship", "listKind": "ShipList"}
    found = names.accept(wanted, {}, names.claimed([{"status": {"acceptedNames": taken}}]))
    assert (found.reason, found.message) == (reason, message)
    assert not set(wanted) & {name for name, value in found.names.items() if value}


def test_a_definition_that_was_served_stays_so_when_it_wants_a_name_that_is_taken() -> None:
    served = status.established(status.named(fresh(), [], NOW), NOW)
    other = {"status": {"acceptedNames": {"plural": "ships", "kind": "Ship", "shortNames": ["sh"]}}}
    served["spec"]["names"]["shortNames"] = ["sh"]
    found = status.named(served, [other], LATER)
    assert said(found)["NamesAccepted"] == ("False", "ShortNamesConflict")
    assert said(found)["Established"] == ("True", "InitialNamesAccepted")
    assert found["status"]["acceptedNames"] == served["status"]["acceptedNames"]
    assert status.is_served(found)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("unapproved", ("False", "UnapprovedAnnotation")),
        ("https://github.com/x", ("True", "ApprovedAnnotation")),
        ("", ("False", "MissingAnnotation")),
        ("nonsense", ("False", "InvalidAnnotation")),
    ],
)
def test_protected_groups_have_a_condition_of_their_approval(annotation: str, expected: tuple[str, str]) -> None:
    made = fresh()
    made["spec"]["group"] = "x.k8s.io"
    made["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation}
    assert said(status.named(made, [], NOW))["KubernetesAPIApprovalPolicyConformant"] == expected


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    made = fresh()
    status.say(made, "Established", status.Said("False", "A", "a"), NOW)
    status.say(made, "Established", status.Said("False", "B", "b"), LATER)
    assert (status.find(made, "Established") or {})["lastTransitionTime"] == NOW
    status.say(made, "Established", status.Said("True", "C", "c"), LATER)
    assert (status.find(made, "Established") or {})["lastTransitionTime"] == LATER


def test_a_deleted_definition_is_marked_emptied_and_let_go() -> None:
    made = status.established(status.named(fresh(), [], NOW), NOW)
    status.mark(made, NOW)
    assert status.is_going(made)
    assert said(made)["Terminating"] == ("True", "InstanceDeletionPending")
    assert said(status.emptying(made, NOW))["Terminating"] == ("True", "InstanceDeletionInProgress")
    gone = status.emptied(made, LATER)
    assert said(gone)["Terminating"] == ("False", "InstanceDeletionCompleted")
    assert not status.is_going(gone)
    never = fresh()
    status.mark(never, NOW)
    assert said(status.emptied(never, NOW))["Terminating"] == ("False", "NeverEstablished")


NAMES = st.fixed_dictionaries({
    "plural": st.sampled_from("abc"),
    "singular": st.sampled_from("abcd"),
    "kind": st.sampled_from("ABC"),
    "listKind": st.sampled_from(["AList", "BList"]),
    "shortNames": st.lists(st.sampled_from("abcde"), max_size=2),
})  # fmt: skip


@given(st.lists(NAMES, min_size=2, max_size=5))
def test_no_two_definitions_of_a_group_have_one_name(wanted: list[Object]) -> None:
    accepted: list[Object] = [{"plural": "", "kind": ""} for _ in wanted]
    for _ in range(2):
        for place, names_ in enumerate(wanted):
            others = [{"status": {"acceptedNames": each}} for other, each in enumerate(accepted) if other != place]
            accepted[place] = names.accept(names_, accepted[place], names.claimed(others)).names
    for place, mine in enumerate(accepted):
        for theirs in accepted[place + 1 :]:
            assert not _resources(mine) & _resources(theirs)
            assert not _kinds(mine) & _kinds(theirs)


def _resources(found: Object) -> set[str]:
    return {found.get("plural", ""), found.get("singular", ""), *(found.get("shortNames") or ())} - {""}


def _kinds(found: Object) -> set[str]:
    return {found.get("kind", ""), found.get("listKind", "")} - {""}


def test_the_best_version_comes_first() -> None:
    ordered = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"]
    assert sorted(sorted(ordered), key=priority) == ordered
