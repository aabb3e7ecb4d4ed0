"""What field ownership, decoding and OpenAPI are told of a custom resource."""

from typing import Any

import pytest

from apiserver.managedfields.mentioned import fields_of
from apiserver.managedfields.shape import shape_of
from apiserver.managedfields.typed import misfit
from apiserver.structural.structural import Structural

STRING: dict[str, Any] = {"type": "string"}
CREW = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name", "deck"],
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": STRING, "deck": {"type": "integer", "default": 1}, "role": STRING},
    },
}
PROPS = {
    "type": "object",
    "description": "Boat floats.",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "minimum": 0, "default": 0},
                "port": {"x-kubernetes-int-or-string": True},
                "crew": CREW,
                "crews": {"type": "object", "additionalProperties": CREW},
                "flags": {"type": "array", "x-kubernetes-list-type": "set", "items": STRING},
                "log": {"type": "array", "items": STRING},
                "paint": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"hull": STRING}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": STRING}},
                "any": {"x-kubernetes-preserve-unknown-fields": True, "nullable": True},
                "inner": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": STRING}},
                "either": {"type": "string", "nullable": True, "anyOf": [{"minLength": 3}, {"enum": ["a"]}]},
            },
        },
    },
}
BOATS = Structural(PROPS, group="sea.example.com", version="v1", kind="Boat", plural="boats")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"size": "huge"}, ".spec.size: expected numeric (int or float), got string"),
        ({"rudder": "left"}, ".spec.rudder: field not declared in schema"),
        ({"crew": [{"name": "ann"}, {"name": "ann"}]}, '.spec.crew: duplicate entries for key [deck=1,name="ann"]'),
        ({"crew": [{"name": "ann"}, {"name": "ann", "deck": 2}]}, ""),
        (
            {"crews": {"a": [{"name": "ann"}, {"name": "ann"}]}},
            '.spec.crews.a: duplicate entries for key [deck=1,name="ann"]',
        ),
        ({"flags": ["red", "red"]}, '.spec.flags: duplicate entries for key [="red"]'),
        ({"port": 80}, ""),
        ({"port": "http"}, ""),
        ({"free": {"a": "x", "b": [1, {"c": 2}]}, "any": [1, {"x": "y"}]}, ""),
        ({"free": {"a": 1}}, ".spec.free.a: expected string, got &value.valueUnstructured{Value:1}"),
        ({"inner": {"kind": "Pod", "metadata": {"name": "a"}, "spec": "s"}}, ""),
    ],
)
def test_an_applied_object_fits_the_schema_or_is_told_why_not(spec: dict[str, Any], words: str) -> None:
    assert misfit({"spec": spec}, shape_of(BOATS.schema)) == words


def test_fields_are_owned_as_the_schema_says() -> None:
    spec = {
        "crew": [{"name": "ann", "role": "cook"}],
        "flags": ["red"],
        "log": ["one"],
        "paint": {"hull": "red"},
        "free": {"b": {"c": 1}},
    }
    assert fields_of({"spec": spec}, shape_of(BOATS.schema)).encode() == {
        "f:spec": {
            "f:crew": {'k:{"deck":1,"name":"ann"}': {".": {}, "f:name": {}, "f:role": {}}},
            "f:flags": {'v:"red"': {}},
            "f:free": {"f:b": {".": {}, "f:c": {}}},
            "f:log": {},
            "f:paint": {},
        }
    }


def test_openapi_tells_the_schema_as_it_was_written_with_what_every_object_has() -> None:
    made = BOATS.schema.publish("#/components/schemas/")  # type: ignore[misc]
    properties = made.pop("properties")
    assert made == {
        "description": "Boat floats.",
        "type": "object",
        "required": ["spec"],
        "x-kubernetes-group-version-kind": [{"group": "sea.example.com", "version": "v1", "kind": "Boat"}],
    }
    assert sorted(properties) == ["apiVersion", "kind", "metadata", "spec"]
    meta = {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    assert properties["metadata"]["allOf"] == [meta]
    spec = properties["spec"]["properties"]
    assert spec["size"] == {"type": "integer", "minimum": 0, "default": 0}
    assert spec["crew"] == CREW
    assert spec["port"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert sorted(spec["inner"]["properties"]) == ["apiVersion", "kind", "metadata", "spec"]
    assert spec["inner"]["required"] == ["kind", "apiVersion"]
    assert BOATS.definition == "com.example.sea.v1.Boat"


def test_version_2_of_openapi_says_less() -> None:
    spec = BOATS.schema.publish("#/definitions/")["properties"]["spec"]["properties"]  # type: ignore[misc]
    assert spec["either"] == {}
    assert spec["any"] == {"x-kubernetes-preserve-unknown-fields": True}
    assert spec["free"] == {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    assert spec["inner"]["properties"]["metadata"]["$ref"].startswith("#/definitions/")
    keeps = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    free = Structural(keeps, group="a.b", version="v1", kind="Free").schema.publish("#/definitions/")  # type: ignore[misc]
    assert sorted(free) == ["type", "x-kubernetes-group-version-kind"]


def test_a_list_is_published_beside_its_kind() -> None:
    made = BOATS.list_schema.publish("#/components/schemas/")  # type: ignore[misc]
    assert made["description"] == "BoatList is a list of Boat"
    assert made["properties"]["items"] == {
        "description": "List of boats. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
        "api-conventions.md",
        "type": "array",
        "items": {"$ref": "#/components/schemas/com.example.sea.v1.Boat"},
    }
    assert BOATS.list_schema.name == "com.example.sea.v1.BoatList"
