"""An OpenAPI 2 document as protobuf, the only form in which kubectl before 1.27 takes it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from podling.pb.openapi.openapi_pb2 import (
    AdditionalProperties,
    Document,
    Extension,
    Info,
    Items,
    NamedSchema,
    Paths,
    Schema,
    Schemas,
    Types,
    Value,
)

MEDIA = "application/com.github.proto-openapi.spec.v2"


def encoded(document: Mapping[str, Any]) -> bytes:
    """`document` is what `documents.v2_document` makes; its paths are left out, as they are there."""
    return Document(
        swagger=document["swagger"],
        info=Info(title=document["info"]["title"], version=document["info"]["version"]),
        paths=Paths(),
        definitions=_schemas(document["definitions"]),
    ).SerializeToString(deterministic=True)


def _schemas(named: Mapping[str, Any]) -> Schemas:
    return Schemas(items=[NamedSchema(name=name, value=_schema(each)) for name, each in named.items()])


def _schema(each: Mapping[str, Any]) -> Schema:
    made = Schema(
        ref=each.get("$ref", ""),
        format=each.get("format", ""),
        description=each.get("description", ""),
        required=each.get("required", ()),
        extensions=[
            Extension(name=key, value=Value(yaml=json.dumps(value))) for key, value in each.items() if key[:2] == "x-"
        ],
    )
    if "type" in each:
        made.type.CopyFrom(Types(value=[each["type"]]))
    if "items" in each:
        made.items.CopyFrom(Items(schema=[_schema(each["items"])]))
    if "additionalProperties" in each:
        made.additional_properties.CopyFrom(AdditionalProperties(schema=_schema(each["additionalProperties"])))
    if "properties" in each:
        made.properties.CopyFrom(_schemas(each["properties"]))
    return made
