"""Rules in a schema: that they compile, and what they say of objects."""

from typing import Any

import pytest

from apiserver.structural.rules import check_schema
from apiserver.structural.structural import Structural
from podling.api.field import Path

AT = "s.properties[spec]"
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def of(spec: dict[str, Any]) -> Structural:
    props = {"type": "object", "properties": {"spec": spec}}
    assert check_schema(props, Path("s")) == []
    return Structural(props, group="sea.example.com", version="v1", kind="Boat", plural="boats")


def ruled(props: dict[str, Any], *rules: dict[str, Any]) -> dict[str, Any]:
    return {**props, "x-kubernetes-validations": list(rules)}


def said(structural: Structural, new: Any, old: Any = None) -> list[str]:
    before = None if old is None else {"metadata": {}, "spec": old}
    return [str(error) for error in structural.validate({"metadata": {}, "spec": new}, before)]


BOAT = ruled(
    {
        "type": "object",
        "properties": {
            "min": INTEGER,
            "max": {**INTEGER, "maximum": 1000},
            "code": STRING,
            "name": ruled(STRING, {"rule": "self == oldSelf", "message": "name never changes"}),
            "list": {"type": "array", "items": ruled(INTEGER, {"rule": "self % 2 == 0", "message": "must be even"})},
        },
    },
    {"rule": "self.min <= self.max"},
    {"rule": "self.max < 100", "message": "max is too much"},
    {"rule": "self.min >= 0", "messageExpression": '"min is %d".format([self.min])'},
    {
        "rule": "!has(self.code) || self.code.startsWith('b-')",
        "message": "code needs b-",
        "reason": "FieldValueForbidden",
        "fieldPath": ".code",
    },
    {"rule": "self.max != 13", "message": "unlucky", "reason": "FieldValueRequired"},
)


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"min": 1, "max": 2}, []),
        ({"min": 5, "max": 2}, ["spec: Invalid value: failed rule: self.min <= self.max"]),
        (
            {"min": -4, "max": 200, "code": "x"},
            [
                "spec: Invalid value: max is too much",
                "spec: Invalid value: min is -4",
                "spec.code: Forbidden: code needs b-",
            ],
        ),
        ({"min": 1, "max": 13}, ["spec: Required value: unlucky"]),
        ({"min": 1, "max": 2, "list": [2, 3]}, ["spec.list[1]: Invalid value: 3: must be even"]),
        (
            {"max": 2},
            [
                'spec: Invalid value: "object": no such key: min evaluating rule: self.min <= self.max',
                'spec: Invalid value: "object": no such key: min evaluating rule: self.min >= 0',
            ],
        ),
        (
            {"min": 5, "max": 1001},
            [
                "spec.max: Invalid value: 1001: spec.max in body should be less than or equal to 1000",
                "spec: Invalid value: max is too much",
            ],
        ),
        (
            {"min": "x", "max": 2},
            [
                'spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"',
                '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; '
                "correct the existing errors to complete validation",
            ],
        ),
    ],
)
def test_a_broken_rule_is_told_as_its_author_wishes(spec: dict[str, Any], errors: list[str]) -> None:
    assert said(of(BOAT), spec) == errors


def test_a_transition_is_ruled_where_there_was_a_value() -> None:
    boats = of(BOAT)
    assert said(boats, {"min": 1, "max": 2, "name": "Ann"}, {"min": 1, "max": 2}) == []
    assert said(boats, {"min": 1, "max": 2, "name": "Bea"}, {"min": 1, "max": 2, "name": "Ann"}) == [
        'spec.name: Invalid value: "Bea": name never changes'
    ]


def test_a_value_that_broke_a_rule_before_may_stay() -> None:
    boats = of({"type": "object", "properties": {"a": ruled(INTEGER, {"rule": "self < 3"}), "b": INTEGER}})
    assert said(boats, {"a": 9, "b": 1}, {"a": 9}) == []
    assert boats.spared({"spec": {"a": 9, "b": 1}}, {"spec": {"a": 9}}) == [
        "spec.a: Invalid value: 9: failed rule: self < 3"
    ]
    assert said(boats, {"a": 8}, {"a": 9}) == ["spec.a: Invalid value: 8: failed rule: self < 3"]


def test_an_optional_old_self_is_asked_for_at_creation_too() -> None:
    rule = {
        "rule": "oldSelf.hasValue() ? self >= oldSelf.value() : self == 1",
        "optionalOldSelf": True,
        "message": "no",
    }
    boats = of(ruled(INTEGER, rule))
    assert (said(boats, 1), said(boats, 2), said(boats, 3, 2), said(boats, 1, 2)) == (
        [],
        ["spec: Invalid value: 2: no"],
        [],
        ["spec: Invalid value: 1: no"],
    )


def test_rules_see_times_names_that_need_escapes_and_the_envelope_of_objects() -> None:
    fields = {
        "at": {**STRING, "format": "date-time"},
        "for": {**STRING, "format": "duration"},
        "namespace": STRING,
        "either": {"x-kubernetes-int-or-string": True},
        "inner": ruled(
            {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": STRING}},
            {"rule": "self.kind == 'Pod' && self.metadata.name.startsWith('p')", "message": "no pod"},
        ),
    }
    boats = of(
        ruled(
            {"type": "object", "properties": fields},
            {"rule": "self.at < timestamp('2020-01-01T00:00:00Z')", "message": "late"},
            {"rule": "self.__for__ < duration('1h')", "message": "long"},
            {"rule": "self.__namespace__ == 'x'", "message": "elsewhere"},
            {"rule": "type(self.either) == int ? self.either > 1 : self.either == 'one'", "message": "neither"},
        )
    )
    inner = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": "s"}
    good = {"at": "2019-01-01T00:00:00Z", "for": "5m", "namespace": "x", "either": "one", "inner": inner}
    assert said(boats, good) == []
    bad = {"at": "2021-01-01T00:00:00Z", "for": "2h", "namespace": "y", "either": 1, "inner": {**inner, "kind": "Po"}}
    assert [error.rpartition(": ")[2] for error in said(boats, bad)] == [
        "late",
        "long",
        "elsewhere",
        "neither",
        "no pod",
    ]


def shown(rule: str, **more: str) -> str:
    fields = {"Rule": rule, "Message": "", "MessageExpression": "", **more}
    texts = [f'"{name}":"{value}"' for name, value in fields.items()]
    fields_said = ",".join(texts).replace(">", r"\u003e")
    return "{" + ",".join([fields_said, '"Reason":null', '"FieldPath":""', '"OptionalOldSelf":null']) + "}"


@pytest.mark.parametrize(
    ("props", "errors"),
    [
        (
            ruled(STRING, {"rule": "self"}),
            [f"[0].rule: Invalid value: {shown('self')}: cel expression must evaluate to a bool"],
        ),
        (
            ruled(STRING, {"rule": "self.size() > x"}),
            [
                f"[0].rule: Invalid value: {shown('self.size() > x')}: compilation failed: ERROR: <input>:1:15: "
                "undeclared reference to 'x' (in container '')\n | self.size() > x\n | ..............^"
            ],
        ),
        (
            ruled(STRING, {"rule": "oldSelf == self", "optionalOldSelf": True}),
            [
                f"[0].rule: Invalid value: {shown('oldSelf == self').replace('null}', 'true}')}: compilation failed: "
                "ERROR: <input>:1:9: found no matching overload for '_==_' applied to '(optional_type(string), string)'"
                "\n | oldSelf == self\n | ........^",
                "[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
            ],
        ),
        (
            ruled(STRING, {"rule": "true", "messageExpression": "1"}),
            [
                f"[0].messageExpression: Invalid value: {shown('true', MessageExpression='1')}: messageExpression must "
                "evaluate to a string"
            ],
        ),
        (ruled(STRING, {"rule": " "}), ["[0].rule: Required value: rule is not specified"]),
        (
            ruled(STRING, {"rule": "true &&\ntrue"}),
            ["[0].message: Required value: message must be specified if rule contains line breaks"],
        ),
        (
            ruled(STRING, {"rule": "true", "reason": "Why", "fieldPath": ".a", "optionalOldSelf": True}),
            [
                '[0].reason: Unsupported value: "Why": supported values: "FieldValueDuplicate", "FieldValueForbidden", '
                '"FieldValueInvalid", "FieldValueRequired"',
                '[0].fieldPath: Invalid value: ".a": fieldPath must be a valid path',
            ],
        ),
        (
            ruled(STRING, {"rule": "true", "optionalOldSelf": True}),
            ["[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"],
        ),
        (
            ruled({"x-kubernetes-preserve-unknown-fields": True}, {"rule": "true"}),
            [
                ": Internal error: internal error: failed to retrieve type information for x-kubernetes-validations",
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_told(props: dict[str, Any], errors: list[str]) -> None:
    found = check_schema({"type": "object", "properties": {"spec": props}}, Path("s"))
    assert [str(error) for error in found] == [f"{AT}.x-kubernetes-validations{error}" for error in errors]


def test_a_rule_that_costs_too_much_ends_the_asking() -> None:
    triples = {"rule": "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"}
    boats = of(ruled({"type": "array", "items": INTEGER, "maxItems": 100}, triples, {"rule": "false"}))
    assert said(boats, list(range(100))) == [
        "spec: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further validation "
        "rules will be run due to call cost exceeds limit for rule: "
        "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"
    ]


def test_a_default_keeps_the_rules() -> None:
    props = {"type": "object", "properties": {"spec": {**ruled(INTEGER, {"rule": "self > 3"}), "default": 2}}}
    assert [str(error) for error in check_schema(props, Path("s"))] == [
        f"{AT}.default: Invalid value: 2: failed rule: self > 3"
    ]


def test_items_without_identity_have_no_old_self() -> None:
    items = ruled({**STRING, "maxLength": 9}, {"rule": "self == oldSelf"})
    props = {"type": "object", "properties": {"spec": {"type": "array", "items": items, "maxItems": 9}}}
    assert [str(error) for error in check_schema(props, Path("s"))] == [
        f'{AT}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the '
        f"uncorrelatable portion of the schema within {AT}"
    ]


TAGS = {"type": "array", "items": {**STRING, "maxLength": 9}, "maxItems": 9, "x-kubernetes-list-type": "set"}
PORT = {"type": "object", "required": ["name"], "properties": {"name": {**STRING, "maxLength": 9}, "tags": TAGS}}
PORTS = {
    "type": "array",
    "items": PORT,
    "maxItems": 9,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}
PLAIN = {"type": "array", "items": {**STRING, "maxLength": 9}, "maxItems": 9}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, True),
        ({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, False),
        ({"ports": [{"name": "x"}, {"name": "y"}]}, {"ports": [{"name": "y"}, {"name": "x"}]}, True),
        (
            {"ports": [{"name": "x", "tags": ["a", "b"]}, {"name": "y"}]},
            {"ports": [{"name": "y"}, {"name": "x", "tags": ["b", "a"]}]},
            True,
        ),
        ({"ports": [{"name": "x", "tags": ["a"]}]}, {"ports": [{"name": "x", "tags": ["b"]}]}, False),
        ({"plain": ["a", "b"]}, {"plain": ["b", "a"]}, False),
    ],
)
def test_sets_and_maps_stay_the_same_in_another_order(old: Any, new: Any, same: bool) -> None:
    props = {"type": "object", "properties": {"tags": TAGS, "ports": PORTS, "plain": PLAIN}}
    boats = of(ruled(props, {"rule": "self == oldSelf", "message": "never changes"}))
    assert said(boats, new, old) == ([] if same else ["spec: Invalid value: never changes"])
