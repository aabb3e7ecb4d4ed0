"""A compiled schema and its objects: what is kept, filled in, refused."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.schema import decode
from apiserver.schema.text import parse_json
from apiserver.structural.default import default, drop_nulls
from apiserver.structural.node import parse
from apiserver.structural.prune import prune
from apiserver.structural.structural import Structural
from podling.api.errors import BadRequest

STRING: dict[str, Any] = {"type": "string"}


def of(spec: dict[str, Any], **more: Any) -> Structural:
    props = {"type": "object", "properties": {"spec": spec, **more}}
    return Structural(props, group="sea.example.com", version="v1", kind="Boat", plural="boats")


def read(structural: Structural, body: str, strictness: str = decode.WARN) -> tuple[dict[str, Any], list[str]]:
    return decode.shape(
        parse_json(body.encode()),
        structural.schema,
        kind="Boat",
        api_version="sea.example.com/v1",
        strictness=strictness,
    )


FLEET = of(
    {
        "type": "object",
        "properties": {
            "name": STRING,
            "free": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"fixed": {"type": "object", "properties": {"a": STRING}}},
            },
            "tags": {"type": "object", "additionalProperties": STRING},
            "crew": {"type": "array", "items": {"type": "object", "properties": {"name": STRING}}},
        },
    }
)
BODY = """{"metadata": {"name": "a", "colour": "red"}, "other": 1, "spec": {"name": "x", "speed": 3, "tags": {"k": "v"},
 "free": {"any": {"thing": [1, "two"]}, "fixed": {"a": "x", "b": "y"}}, "crew": [{"name": "bo", "rank": 1}]}}"""


def test_unknown_fields_go_and_are_told() -> None:
    made, notes = read(FLEET, BODY)
    assert made["spec"] == {
        "name": "x",
        "tags": {"k": "v"},
        "free": {"any": {"thing": [1, "two"]}, "fixed": {"a": "x"}},
        "crew": [{"name": "bo"}],
    }
    assert notes == [
        'unknown field "metadata.colour"',
        'unknown field "other"',
        'unknown field "spec.crew[0].rank"',
        'unknown field "spec.free.fixed.b"',
        'unknown field "spec.speed"',
    ]


def test_fields_that_stand_twice_are_refused_where_the_client_is_strict() -> None:
    with pytest.raises(BadRequest, match=r'strict decoding error: duplicate field "spec.name"'):
        read(FLEET, '{"spec": {"name": "x", "name": "y"}}', decode.STRICT)


def test_metadata_is_what_it_is_everywhere() -> None:
    with pytest.raises(BadRequest) as refused:
        read(FLEET, '{"metadata": {"labels": {"n": 5}}}')
    assert refused.value.message == (
        'Boat in version "v1" cannot be handled as a Boat: json: cannot unmarshal number into Go struct field '
        "ObjectMeta.labels of type string"
    )
    assert FLEET.revive({"metadata": {"name": "a", "labels": {"n": 5}}})["metadata"] == {"name": "a"}


def test_whole_numbers_are_integers() -> None:
    made, _ = read(of({"type": "object", "properties": {"n": {"type": "number"}}}), '{"spec": {"n": 1.0}}')
    assert repr(made["spec"]["n"]) == "1"


def test_defaults_are_filled_in_at_every_depth() -> None:
    crew = {"type": "array", "items": {"type": "object", "properties": {"rank": {**STRING, "default": "mate"}}}}
    props = {"sails": {"type": "integer", "default": 1}, "crew": crew, "maybe": {**STRING, "nullable": True}}
    boats = of({"type": "object", "default": {}, "properties": props})
    bare, _ = read(boats, "{}")
    boats.default(bare)
    assert bare["spec"] == {"sails": 1}
    given, _ = read(boats, '{"spec": {"sails": null, "maybe": null, "crew": [{"rank": null}, {"rank": "boss"}]}}')
    boats.default(given)
    assert given["spec"] == {"sails": 1, "maybe": None, "crew": [{"rank": "mate"}, {"rank": "boss"}]}


def test_an_embedded_object_keeps_what_every_object_has() -> None:
    inner = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": STRING}}
    boats = of({"type": "object", "properties": {"inner": inner}})
    body = '{"apiVersion": "a/b/c", "metadata": {"name": "x/y", "hue": 1}, "spec": "s", "more": 1}'
    made, notes = read(boats, f'{{"spec": {{"inner": {body}}}}}')
    assert made["spec"]["inner"] == {"apiVersion": "a/b/c", "metadata": {"name": "x/y"}, "spec": "s"}
    assert notes == ['unknown field "spec.inner.more"', 'unknown field "spec.inner.metadata.hue"']
    assert [str(error) for error in boats.validate(made)] == [
        'spec.inner.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        "spec.inner.kind: Required value",
        "spec.inner.metadata.name: Invalid value: \"x/y\": may not contain '/'",
    ]


def test_sets_and_maps_hold_nothing_twice() -> None:
    tags = {"type": "array", "x-kubernetes-list-type": "set", "items": STRING}
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": STRING, "port": {"type": "integer"}}},
    }
    boats = of({"type": "object", "properties": {"tags": tags, "ports": ports}})
    obj = {"spec": {"tags": ["a", "b", "a", "a"], "ports": [{"name": "x", "port": 1}, {"name": "x", "port": 2}]}}
    assert [str(error) for error in boats.validate(obj)] == [
        'spec.ports[1]: Duplicate value: {"name":"x"}',
        'spec.tags[2]: Duplicate value: "a"',
    ]
    assert boats.validate(obj, obj) == []


SCHEMAS = st.recursive(
    st.sampled_from([STRING, {"type": "integer", "default": 1}, {"x-kubernetes-preserve-unknown-fields": True}]),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda more: {"type": "object", "additionalProperties": more}, inner),
        st.builds(
            lambda fields, keeps, nullable: {
                "type": "object",
                "properties": fields,
                **({"x-kubernetes-preserve-unknown-fields": True} if keeps else {}),
                **({"nullable": True} if nullable else {}),
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.booleans(),
            st.booleans(),
        ),
    ),
    max_leaves=8,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(0, 3), st.text("xy", max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)),
    max_leaves=12,
)


@given(SCHEMAS, VALUES)
def test_what_was_pruned_and_defaulted_once_stays_as_it_is(props: dict[str, Any], value: Any) -> None:
    node = parse(props)
    prune(value, node)
    drop_nulls(value, node)
    default(value, node)
    again = deepcopy(value)
    assert prune(again, node) == []
    drop_nulls(again, node)
    default(again, node)
    assert again == value


@given(SCHEMAS, VALUES)
def test_pruning_takes_away_only_what_no_rule_looks_at(props: dict[str, Any], value: Any) -> None:
    boats = of(props)
    kept = {"spec": deepcopy(value)}
    prune(kept, boats.root, root=True)
    assert boats.validate(kept) == boats.validate({"spec": value})
