"""Values against their schema; the words are Kubernetes'."""

from typing import Any

import pytest

from apiserver.structural.node import MISSING
from apiserver.structural.values import checker, ratcheted


def said(props: dict[str, Any], value: Any, old: Any = MISSING) -> list[str]:
    schema = {"type": "object", "properties": {"f": props}}
    before = MISSING if old is MISSING else {"f": old}
    return [str(error) for error in ratcheted(checker(schema), {"f": value}, "", before).errors]


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
NONE = '<nil>: Invalid value: "": '
TABLE: list[tuple[dict[str, Any], Any, list[str]]] = [
    (STRING, 5, ['f: Invalid value: "integer": f in body must be of type string: "integer"']),
    (INTEGER, "x", ['f: Invalid value: "string": f in body must be of type integer: "string"']),
    (INTEGER, 1.0, []),
    (INTEGER, 1.5, ['f: Invalid value: "number": f in body must be of type integer: "number"']),
    ({"type": "number"}, 1, []),
    ({"type": "boolean"}, 0, ['f: Invalid value: "integer": f in body must be of type boolean: "integer"']),
    (STRING, None, ['f: Invalid value: "null": f in body must be of type string: "null"']),
    ({"type": "string", "nullable": True}, None, []),
    ({"x-kubernetes-int-or-string": True}, "80%", []),
    (
        {"x-kubernetes-int-or-string": True},
        1.5,
        ['f: Invalid value: "number": f in body must be of type integer,string: "number"'],
    ),
    ({"type": "string", "enum": ["a", "b"]}, "c", ['f: Unsupported value: "c": supported values: "a", "b"']),
    ({"type": "integer", "enum": [1, 2]}, 3, ['f: Unsupported value: 3: supported values: "1", "2"']),
    ({"type": "integer", "enum": [1, 2]}, 2.0, []),
    ({"type": "string", "maxLength": 2}, "été", ["f: Too long: may not be more than 2 bytes"]),
    ({"type": "string", "minLength": 2}, "é", ['f: Invalid value: "é": f in body should be at least 2 chars long']),
    ({"type": "string", "pattern": "^a$"}, "a\n", ["f: Invalid value: \"a\\n\": f in body should match '^a$'"]),
    ({"type": "string", "pattern": "a"}, "bab", []),
    ({"type": "integer", "maximum": 5}, 9, ["f: Invalid value: 9: f in body should be less than or equal to 5"]),
    (
        {"type": "number", "maximum": 2, "exclusiveMaximum": True},
        2.5,
        ["f: Invalid value: 2.5: f in body should be less than 2"],
    ),
    ({"type": "integer", "minimum": 0}, -1, ["f: Invalid value: -1: f in body should be greater than or equal to 0"]),
    ({"type": "number", "multipleOf": 0.1}, 0.3, []),
    ({"type": "number", "multipleOf": 0.5}, 1.2, ["f: Invalid value: 1.2: f in body should be a multiple of 0.5"]),
    (
        {"type": "integer", "format": "int32"},
        2**31,
        [f"{NONE}Checked value must be of type integer with format int32 in f"],
    ),
    (
        {"type": "string", "format": "date"},
        "tomorrow",
        ['f: Invalid value: "tomorrow": f in body must be of type date: "tomorrow"'],
    ),
    ({"type": "string", "format": "date"}, 5, ['f: Invalid value: "int64": f in body must be of type date: "int64"']),
    ({"type": "string", "format": "unheard-of"}, "anything", []),
    ({"type": "array", "maxItems": 1}, [1, 2], ["f: Too many: 2: must have at most 1 item"]),
    ({"type": "array", "minItems": 1}, [], ["f: Invalid value: 0: f in body should have at least 1 items"]),
    (
        {"type": "array", "items": STRING},
        ["a", 1],
        ['f[1]: Invalid value: "integer": f[1] in body must be of type string: "integer"'],
    ),
    ({"type": "array", "uniqueItems": True}, [1, 1], ['f: Invalid value: "": f in body shouldn\'t contain duplicates']),
    ({"type": "object", "maxProperties": 1}, {"a": 1, "b": 2}, ["f: Too many: 2: must have at most 1 item"]),
    ({"type": "object", "minProperties": 1}, {}, ["f: Invalid value: 0: f in body should have at least 1 properties"]),
    ({"type": "object", "required": ["a"]}, {}, ["f.a: Required value"]),
    (
        {"type": "object", "additionalProperties": INTEGER},
        {"a": "x"},
        ['f.a: Invalid value: "string": f.a in body must be of type integer: "string"'],
    ),
    (
        {"type": "object", "additionalProperties": False},
        {"a": 1},
        ['f: Invalid value: "a": f.a in body is a forbidden property'],
    ),
    (
        {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {},
        [f'{NONE}"f" must validate one and only one schema (oneOf). Found none valid', "f.a: Required value"],
    ),
    (
        {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"a": 1, "b": 1},
        [f'{NONE}"f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ),
    (
        {"type": "string", "anyOf": [{"pattern": "^a"}, {"minLength": 3}]},
        "b",
        [
            f'{NONE}"f" must validate at least one schema (anyOf)',
            "f: Invalid value: \"b\": f in body should match '^a'",
        ],
    ),
    (
        {"type": "string", "allOf": [{"pattern": "^a"}, {"maxLength": 3}]},
        "b",
        [
            "f: Invalid value: \"b\": f in body should match '^a'",
            f'{NONE}"f" must validate all the schemas (allOf)',
        ],
    ),
    ({"type": "string", "not": {"enum": ["a"]}}, "a", [f'{NONE}"f" must not validate the schema (not)']),
]


@pytest.mark.parametrize(("props", "value", "errors"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_a_value_that_does_not_fit_is_told_in_kubernetes_words(
    props: dict[str, Any], value: Any, errors: list[str]
) -> None:
    assert said(props, value) == errors


MAP = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {"type": "object", "properties": {"name": STRING, "size": {"type": "integer", "maximum": 3}}},
}
BIG, SMALL = {"name": "big", "size": 9}, {"name": "small", "size": 1}


def test_what_was_wrong_before_may_stay_as_it_was() -> None:
    limited = {"type": "integer", "maximum": 3}
    assert said(limited, 9, 9) == []
    assert said(limited, 8, 9) == ["f: Invalid value: 8: f in body should be less than or equal to 3"]
    assert said({"type": "object", "additionalProperties": limited}, {"a": 9, "b": 1}, {"a": 9}) == []


def test_items_are_known_again_by_their_keys_and_not_by_their_place() -> None:
    assert said(MAP, [SMALL, BIG], [BIG]) == []
    atomic = {**MAP, "x-kubernetes-list-type": "atomic"}
    assert len(said(atomic, [BIG, SMALL], [BIG])) == 1
    assert said(atomic, [BIG], [BIG]) == []


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("date-time", "2014-12-15T19:30:20.000Z", "2014-12-15 19:30"),
        ("duration", "22 ns", "soon"),
        ("duration", "1h30m", "h"),
        ("ipv4", "10.0.0.1", "10.0.0"),
        ("ipv6", "::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "01:23:45:67:89:ab", "01:23"),
        ("uuid", "A987FBC9-4BED-3078-CF07-9141BA07C9F3", "A987FBC9"),
        ("uuid4", "57B73598-8764-4AD0-A76A-679BB6640EB1", "A987FBC9-4BED-3078-CF07-9141BA07C9F3"),
        ("isbn", "978-0321751041", "978-0321751042"),
        ("isbn10", "0321751043", "0321751044"),
        ("creditcard", "4111-1111-1111-1111", "4111-1111-1111-1112"),
        ("ssn", "111-22-3333", "111-22-333"),
        ("hexcolor", "#FFFFFF", "#FFFF"),
        ("rgbcolor", "rgb(255,255,2)", "rgb(256,0,0)"),
        ("byte", "aGVsbG8=", "hello"),
        ("email", "a@example.com", "example.com"),
        ("hostname", "www.example.com", "-a.example.com"),
        ("uri", "https://example.com/a", "example"),
        ("quantity", "10Gi", "ten"),
        ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
        ("k8s-short-name", "a-b", "a.b"),
        ("k8s-long-name", "a.b", "A.b"),
    ],
)
def test_formats_are_checked(form: str, right: str, wrong: str) -> None:
    props = {"type": "string", "format": form}
    assert (said(props, right), len(said(props, wrong))) == ([], 1)
