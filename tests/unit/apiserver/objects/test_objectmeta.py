"""The rules of metadata, in Kubernetes' words."""

from typing import Any

import pytest

from apiserver.kinds import names
from apiserver.objects import objectmeta
from podling.api.field import Path
from tests.unit.apiserver.conftest import NAMESPACE, NOTE


def wrong(**meta: Any) -> list[str]:
    found = objectmeta.validate({"name": "a", "namespace": "default", **meta}, NOTE)
    return [f"{error.field}: {error.text}"[:90] for error in found]


def test_what_is_right_has_no_errors() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
    assert (
        wrong(labels={"a.b/c": "d_e"}, annotations={"X/Y": "\n"}, finalizers=["a.b/c"], ownerReferences=[owner]) == []
    )


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"name": "Upper_Case"}, 'metadata.name: Invalid value: "Upper_Case": a lowercase RFC 1123 subdomain'),
        ({"name": "n" * 254}, 'metadata.name: Invalid value: "nnn'),
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"generateName": "Job_"}, 'metadata.generateName: Invalid value: "Job_"'),
        ({"namespace": ""}, "metadata.namespace: Required value"),
        ({"labels": {"a b": "c"}}, 'metadata.labels: Invalid value: "a b": name part must consist of'),
        ({"labels": {"a": "x" * 64}}, 'metadata.labels: Invalid value: "xxx'),
        ({"labels": {"/a": ""}}, 'metadata.labels: Invalid value: "/a": prefix part must be non-empty'),
        ({"labels": {"a/b/c": ""}}, 'metadata.labels: Invalid value: "a/b/c": a valid label key must consist of'),
        ({"labels": {"A_/b": ""}}, 'metadata.labels: Invalid value: "A_/b": prefix part a lowercase RFC 1123'),
        (
            {"annotations": {"a": "x" * (256 << 10)}},
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
        ({"finalizers": ["plain"]}, 'metadata.finalizers[0]: Invalid value: "plain": name is neither a standard'),
        ({"finalizers": ["orphan", "foregroundDeletion"]}, "metadata.finalizers: Invalid value: ["),
        ({"generation": -1}, "metadata.generation: Invalid value: -1: must be greater than or equal to 0"),
        ({"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]}, "metadata.ownerReferences.uid: "),
    ],
)
def test_what_is_wrong_is_named(meta: dict[str, Any], words: str) -> None:
    (found,) = wrong(**meta)
    assert found.startswith(words[:60])


def test_only_one_owner_controls() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
    (found,) = wrong(ownerReferences=[owner, {**owner, "name": "q"}])
    assert "Only one reference can have Controller" in found or found.startswith("metadata.ownerReferences: ")


def test_a_cluster_scoped_kind_has_no_namespace() -> None:
    (found,) = objectmeta.validate({"name": "a", "namespace": "x"}, NAMESPACE)
    assert str(found) == "metadata.namespace: Forbidden: not allowed on this type"


def test_a_prefix_may_end_in_a_dash() -> None:
    assert wrong(generateName="job-") == []


def test_what_may_not_change() -> None:
    old = {"name": "a", "uid": "1", "generation": 2}
    found = objectmeta.validate_update({"name": "a", "uid": "2", "generation": 1}, old)
    assert [error.field for error in found] == ["metadata.generation", "metadata.uid"]


def test_no_finalizer_joins_an_object_that_is_going() -> None:
    old = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c"]}
    new = {**old, "finalizers": ["a.b/c", "d.e/f"]}
    (found,) = objectmeta.validate_update(new, old)
    assert found.text.endswith('found new finalizers []string{"d.e/f"}')


def test_what_an_update_leaves_out_stays() -> None:
    old = {"uid": "1", "creationTimestamp": "then", "deletionTimestamp": "now", "generation": 3}
    new = {"creationTimestamp": "forged", "generation": 9, "selfLink": "/x"}
    objectmeta.carry_over(new, old)
    assert new == old


def test_labels_are_checked_where_they_stand() -> None:
    (found,) = names.labels({"a": "b c"}, Path("spec.labels"))
    assert found.field == "spec.labels"


def test_owners_that_are_the_same_are_told_and_others_of_one_uid_stay() -> None:
    one, other = {"uid": "1", "name": "a"}, {"uid": "1", "name": "b"}
    meta, told = {"ownerReferences": [one, other, dict(one), dict(one)]}, list[str]()
    objectmeta.dedup_owners(meta, told)
    assert meta == {"ownerReferences": [one, other]}
    assert [words.rpartition("; ")[2] for words in told] == ["duplicate UID(s) observed: 1, 1"]
    objectmeta.dedup_owners(meta, told)
    assert len(told) == 1
