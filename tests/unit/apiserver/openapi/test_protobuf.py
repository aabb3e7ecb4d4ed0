"""OpenAPI 2 as protobuf says what it says as JSON."""

import json
from typing import Any

from apiserver.kinds import KINDS
from apiserver.openapi.documents import PATHS, SCHEMAS, document, parts, whole
from apiserver.openapi.protobuf import encoded, part
from apiserver.openapi.schemas import V2
from podling.pb.openapi.openapi_pb2 import Document, Schema


def test_every_definition_is_there_with_all_it_says() -> None:
    said = whole(KINDS, V2)
    read = Document.FromString(as_protobuf())
    assert read.swagger == "2.0"
    assert {item.name: plain(item.value) for item in read.definitions.items} == {
        name: {key: value for key, value in each.items() if value != ""}  # protobuf has no empty text
        for name, each in said["definitions"].items()
    }


def test_what_kubectl_asks_of_a_patch_is_there() -> None:
    read = Document.FromString(as_protobuf())
    [path] = [each.value for each in read.paths.path if each.name == "/api/v1/namespaces/{namespace}/pods/{name}"]
    kinds = {each.name: json.loads(each.value.yaml) for each in path.patch.extensions}
    assert kinds["x-kubernetes-group-version-kind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert "dryRun" in {each.parameter.other.query.name for each in path.patch.parameters}
    assert [each.parameter.other.path.name for each in path.parameters][:2] == ["name", "namespace"]


def as_protobuf() -> bytes:
    found: dict[str, dict[str, Any]] = {PATHS: {}, SCHEMAS: {}}
    for each in parts(KINDS, V2):
        found[each.section][each.name] = part(each)
    return encoded(document(found, V2))


def plain(schema: Schema) -> dict[str, Any]:
    """As JSON."""
    made: dict[str, Any] = {}
    if schema.ref:
        made["$ref"] = schema.ref
    for key in ("format", "description"):
        if value := getattr(schema, key):
            made[key] = value
    if schema.required:
        made["required"] = list(schema.required)
    if schema.HasField("type"):
        [made["type"]] = schema.type.value
    if schema.HasField("items"):
        [inner] = schema.items.schema
        made["items"] = plain(inner)
    if schema.HasField("additional_properties"):
        made["additionalProperties"] = plain(schema.additional_properties.schema)
    if schema.HasField("properties"):
        made["properties"] = {item.name: plain(item.value) for item in schema.properties.items}
    return made | {each.name: json.loads(each.value.yaml) for each in schema.extensions}
