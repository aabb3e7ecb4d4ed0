"""Options of every verb: read, checked, refused in Kubernetes' words."""

import pytest
from multidict import MultiDict

from apiserver.options import APPLY, delete_options, list_options, version, write_options
from apiserver.refusal import Unexplained
from podling.api import errors
from tests.unit.apiserver.conftest import NOTE, POD


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"limit": "abc"}, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ({"labelSelector": "a in b"}, "unable to parse requirement: found 'b' expected: '('"),
        ({"fieldSelector": "x"}, "invalid selector: 'x'; can't understand 'x'"),
        (
            {"fieldSelector": "data.a=b"},
            '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ({"resourceVersionMatch": "Exact"}, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, '"exact" is forbidden for resourceVersion "0"'),
        ({"resourceVersion": "1", "resourceVersionMatch": "Roughly"}, 'Unsupported value: "Roughly"'),
        ({"sendInitialEvents": "true"}, "sendInitialEvents is forbidden for list"),
        ({"watch": "1", "sendInitialEvents": "true"}, "requires setting resourceVersionMatch to NotOlderThan"),
        ({"watch": "1", "resourceVersionMatch": "Exact"}, "forbidden for watch unless sendInitialEvents is provided"),
        (
            {"watch": "1", "sendInitialEvents": "true", "resourceVersionMatch": "Exact"},
            "[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            ', resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
        ),
        ({"watch": "1", "continue": "x"}, "resourceVersionMatch is forbidden when continue is provided"),
        (
            {"resourceVersionMatch": "Exact", "fieldSelector": "data.a=b"},
            "forbidden unless resourceVersion is provided",
        ),
        ({"limit": "9999999999999999999"}, 'parsing "9999999999999999999": value out of range'),
        ({"limit": "1_0"}, 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        ({"timeoutSeconds": " 1"}, 'strconv.ParseInt: parsing " 1": invalid syntax'),
    ],
)
def test_list_options_that_make_no_sense(options: dict[str, str], words: str) -> None:
    with pytest.raises((errors.BadRequest, errors.Invalid)) as refused:
        list_options(options, NOTE)
    assert words in refused.value.message


def test_a_kind_with_fields_of_its_own_names_no_others() -> None:
    with pytest.raises(errors.BadRequest, match="field label not supported"):
        list_options({"fieldSelector": "spec.containers=c"}, POD)
    assert list_options({"fieldSelector": "status.phase=Running"}, POD).fields[0].values == ("Running",)


@pytest.mark.parametrize(
    ("text", "watches"), [("", True), ("1", True), ("perhaps", True), ("false", False), ("0", False)]
)
def test_anything_but_no_is_yes(text: str, watches: bool) -> None:
    assert list_options({"watch": text}, NOTE).watch is watches


def test_a_version_to_get_that_is_no_number_is_a_500() -> None:
    with pytest.raises(Unexplained) as refused:
        version({"resourceVersion": "x"})
    assert "reason" not in refused.value.status()


@pytest.mark.parametrize(
    ("options", "content_type", "words"),
    [
        ({"dryRun": "Maybe"}, "", 'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Maybe"]'),
        ({"fieldValidation": "x"}, "", 'supported values: "", "Ignore", "Strict", "Warn"'),
        ({"fieldManager": "d\ttab"}, "", 'Invalid value: "d\\ttab": invalid character U+0009 (at position 1)'),
        ({"fieldManager": "m" * 129}, "", "fieldManager: Too long: may not be more than 128 bytes"),
        ({"force": "true"}, "", "force: Forbidden: may not be specified for non-apply patch"),
        ({}, APPLY, "fieldManager: Required value: is required for apply patch"),
    ],
)
def test_patch_options_that_make_no_sense(options: dict[str, str], content_type: str, words: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        write_options(options, "PatchOptions", content_type)
    assert words in refused.value.message


def test_write_options_without_any_warn() -> None:
    options = write_options({"dryRun": "All"}, "CreateOptions")
    assert (options.dry_run, options.field_validation) == (True, "Warn")


def test_a_body_of_delete_options_wins_over_the_query() -> None:
    options = delete_options({"gracePeriodSeconds": "5"}, {"gracePeriodSeconds": 7, "preconditions": {"uid": "u"}})
    assert (options.grace_seconds, options.uid) == (7, "u")
    assert delete_options({"gracePeriodSeconds": "5", "propagationPolicy": "Orphan"}, None).propagation == "Orphan"
    assert delete_options({"gracePeriodSeconds": "5", "propagationPolicy": "Orphan"}, {}).says_nothing


def test_a_dry_run_may_be_asked_for_more_than_once() -> None:
    assert write_options(MultiDict(dryRun="All"), "CreateOptions").dry_run
    for values in (["All", "Some"], [""]):
        query = MultiDict(("dryRun", value) for value in values)
        with pytest.raises(errors.Invalid, match="dryRun: Unsupported value"):
            write_options(query, "CreateOptions")
        with pytest.raises(errors.Invalid, match="dryRun: Unsupported value"):
            delete_options(query, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"propagationPolicy": "Sideways"}, 'Unsupported value: "Sideways": supported values: "Foreground"'),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, "cannot be both set"),
        ({"propagationPolicy": "X", "orphanDependents": True}, 'both set, propagationPolicy: Unsupported value: "X"'),
        ({"propagationPolicy": ""}, 'propagationPolicy: Unsupported value: ""'),
        ({"dryRun": ["Never"]}, 'dryRun: Unsupported value: ["Never"]: supported values: "All"'),
    ],
)
def test_delete_options_that_make_no_sense(body: dict[str, object], words: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        delete_options({}, body)
    assert words in refused.value.message
