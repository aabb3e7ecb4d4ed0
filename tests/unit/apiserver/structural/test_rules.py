"""The rules of schemas themselves; the words are Kubernetes'."""

from typing import Any

import pytest

from apiserver.structural.rules import check_schema, tightened
from podling.api.field import Path


def said(props: dict[str, Any], **options: Any) -> list[str]:
    return [str(error) for error in check_schema(props, Path("s"), **options)]


def in_spec(props: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": props}}


SPEC = "s.properties[spec]"
TABLE: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "types are said everywhere",
        {"properties": {"spec": {"properties": {"a": {"type": "string"}}}}},
        [
            f"{SPEC}.type: Required value: must not be empty for specified object fields",
            "s.type: Required value: must not be empty at the root",
        ],
    ),
    (
        "alternatives say nothing of types, and arrays say what they hold",
        in_spec(
            {
                "type": "object",
                "anyOf": [{"properties": {"b": {"type": "string"}}}],
                "properties": {"a": {"type": "array"}, "b": {"type": "string"}},
            }
        ),
        [
            f"{SPEC}.anyOf[0].properties[b].type: Forbidden: must be empty to be structural",
            f"{SPEC}.properties[a].items: Required value: must be specified",
        ],
    ),
    (
        "what an alternative speaks of is declared",
        {"type": "object", "anyOf": [{"required": ["b"], "properties": {"b": {"minLength": 1}}}]},
        ["s.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b]"],
    ),
    (
        "metadata is restricted by name alone, and maps are no structs",
        {
            "type": "object",
            "properties": {
                "spec": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "properties": {"a": {"type": "text"}},
                },
                "metadata": {"type": "object", "properties": {"labels": {"type": "object"}}},
            },
        },
        [
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but "
            "metadata is implicitly specified",
            f"{SPEC}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
            f'{SPEC}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", '
            '"number", "object", "string"',
        ],
    ),
    (
        "defaults are valid, and unique items too dear",
        in_spec(
            {
                "type": "object",
                "properties": {
                    "a": {"type": "integer", "default": "big"},
                    "c": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
                },
            }
        ),
        [
            f'{SPEC}.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"',
            f"{SPEC}.properties[c].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime "
            "complexity becomes quadratic",
        ],
    ),
    (
        "defaults hold no unknown fields",
        in_spec({"type": "object", "default": {"b": 1}, "properties": {"a": {"type": "string"}}}),
        [f'{SPEC}.default: Invalid value: {{"b":1}}: must not have unknown fields'],
    ),
    (
        "no defaults in the root's metadata",
        {
            "type": "object",
            "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}},
        },
        ["s.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata"],
    ),
    (
        "keys of list maps are there and scalar",
        in_spec(
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name", "port", "port", "other"],
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "object"}, "port": {"type": "integer", "nullable": True}},
                },
            }
        ),
        [
            f'{SPEC}.items.properties[name].type: Invalid value: "object": must be a scalar type if parent array\'s '
            "x-kubernetes-list-type is map",
            f'{SPEC}.x-kubernetes-list-map-keys: Invalid value: ["name","port","port","other"]: must not contain '
            "duplicate entries",
            f'{SPEC}.x-kubernetes-list-map-keys: Invalid value: ["name","port","port","other"]: entries must all be '
            "names of item properties",
            *(
                f"{SPEC}.items.properties[port].{name}: {why}: this property is in x-kubernetes-list-map-keys, so "
                f"it {more}"
                for _ in range(2)
                for name, why, more in (
                    ("default", "Required value", "must have a default or be a required property"),
                    ("nullable", "Forbidden", "cannot be nullable"),
                )
            ),
        ],
    ),
    (
        "a pattern is a regular expression of Go",
        in_spec({"type": "string", "pattern": "^(a"}),
        [
            f'{SPEC}.pattern: Invalid value: "^(a": must be a valid regular expression, but isn\'t: error parsing '
            "regexp: missing closing ): `^(a`"
        ],
    ),
    (
        "extensions fit their types",
        in_spec({"type": "object", "x-kubernetes-list-type": "bag", "x-kubernetes-preserve-unknown-fields": False}),
        [
            f"{SPEC}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
            f'{SPEC}.type: Invalid value: "object": must be array if x-kubernetes-list-type is specified',
            f'{SPEC}.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
        ],
    ),
    (
        "embedded objects are objects",
        in_spec({"type": "string", "x-kubernetes-embedded-resource": True}),
        [
            f"{SPEC}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields",
            f'{SPEC}.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
        ],
    ),
]


@pytest.mark.parametrize(("props", "errors"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_wrong_with_a_schema_is_told(props: dict[str, Any], errors: list[str]) -> None:
    assert said(props) == errors


def test_a_schema_of_all_that_is_allowed_is_fine() -> None:
    props = in_spec(
        {
            "type": "object",
            "default": {},
            "properties": {
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "free": {"x-kubernetes-preserve-unknown-fields": True},
                "inner": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "x-kubernetes-preserve-unknown-fields": True,
                },
                "names": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
                "either": {"type": "string", "oneOf": [{"pattern": "^a"}, {"maxLength": 3}], "not": {"enum": ["x"]}},
            },
        }
    )
    assert said(props, status=True) == []


def test_the_root_says_little_when_status_is_a_subresource() -> None:
    assert said({"type": "object", "oneOf": [{"required": ["a"]}], "properties": {"a": {"type": "string"}}}) == []
    (words,) = said({"type": "object", "maxProperties": 3}, status=True)
    assert words.endswith("fields are allowed at the root of the schema if the status subresource is enabled")


def test_rules_that_a_stored_schema_breaks_are_not_asked_of_its_next_version() -> None:
    old = in_spec({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "nullable": True}})
    new = in_spec({**old["properties"]["spec"], "maxItems": 3})
    assert len(said(new)) == 2
    assert said(new, rules=tightened(new, old)) == []
