"""Names and what is wrong with them. Words: golden core-pod-validation, core-namespaces, api-http."""

from collections.abc import Callable

import pytest

from apiserver.kinds import names
from podling.api.field import Path


@pytest.mark.parametrize(
    ("check", "good"),
    [
        (names.label, "web-1"),
        (names.label_1035, "web-1"),
        (names.subdomain, "a.b-1"),
        (names.qualified, "example.com/My.Name"),
        (names.label_value, ""),
        (names.config_key, "a.b_c-D"),
        (names.path_segment, "system:with:colons"),
        (names.environment, "A.b c"),
        (names.port, "http-8080"),
        (names.http_header, "X-Probe"),
    ],
)
def test_a_good_name_has_nothing_wrong(check: Callable[[str], list[str]], good: str):
    assert check(good) == []


@pytest.mark.parametrize(
    ("check", "bad", "words"),
    [
        (names.label, "a.b", ["must not contain dots"]),
        (names.label, "x" * 64, ["must be no more than 63 characters"]),
        (names.label, "A_B", [names.LABEL]),
        (names.label_1035, "1a", [names.LABEL_1035]),
        (names.subdomain, "a..b", [names.SUBDOMAIN]),
        (names.subdomain, "n" * 254, ["must be no more than 253 characters"]),
        (names.qualified, "/x", ["prefix part must be non-empty"]),
        (names.label_value, "a" * 64, ["must be no more than 63 bytes"]),
        (names.config_key, "..", ["must not be '..'"]),
        (names.config_key, "..a", ["must not start with '..'"]),
        (names.path_segment, "a/b", ["may not contain '/'"]),
        (names.path_segment, "..", ["may not be '..'"]),
        (names.port, "much-too-long-name", ["must be no more than 15 characters"]),
        (names.port, "80", ["must contain at least one letter (a-z)"]),
        (names.port, "a--b", ["must not contain consecutive hyphens"]),
        (names.port, "-a", ["must not begin or end with a hyphen"]),
    ],
)
def test_a_bad_name_is_told_why(check: Callable[[str], list[str]], bad: str, words: list[str]):
    assert check(bad) == words


def test_a_key_with_two_slashes_is_told_the_whole_form():
    (words,) = names.qualified("a/b/c")
    assert words.startswith("a valid label key must consist of")
    assert words.endswith("with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")


def test_a_selector_is_judged_by_its_operator():
    found = {
        "matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["b"]},
            {"key": "a", "operator": "Near"},
        ]
    }
    assert [str(error) for error in names.selector(found, Path("s"))] == [
        "s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        "s.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        's.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
    ]
