"""An OpenAPI 2 document as protobuf, the only form in which kubectl before 1.27 takes it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from apiserver.openapi.documents import PATHS, Part
from podling.pb.openapi.openapi_pb2 import (
    AdditionalProperties,
    BodyParameter,
    Document,
    Extension,
    Info,
    Items,
    NamedPathItem,
    NamedSchema,
    NonBodyParameter,
    Operation,
    Parameter,
    ParametersItem,
    PathItem,
    PathParameter,
    Paths,
    QueryParameter,
    Schema,
    Schemas,
    Types,
    Value,
)

MEDIA = "application/com.github.proto-openapi.spec.v2"


def part(each: Part) -> NamedPathItem | NamedSchema:
    """Answers are left out: who reads this asks what calls take."""
    if each.section == PATHS:
        return NamedPathItem(name=each.name, value=_path(each.document))
    return NamedSchema(name=each.name, value=_schema(each.document))


def encoded(document: Mapping[str, Any]) -> bytes:
    """Of `documents.document`, each of whose parts is made by `part`."""
    return Document(
        swagger=document["swagger"],
        info=Info(title=document["info"]["title"], version=document["info"]["version"]),
        paths=Paths(path=document["paths"].values()),
        definitions=Schemas(items=document["definitions"].values()),
    ).SerializeToString(deterministic=True)


def _path(item: Mapping[str, Any]) -> PathItem:
    calls = {method: _operation(each) for method, each in item.items() if method != "parameters"}
    return PathItem(parameters=[_parameter(each) for each in item["parameters"]], **calls)


def _operation(each: Mapping[str, Any]) -> Operation:
    return Operation(
        tags=each["tags"],
        description=each["description"],
        operation_id=each["operationId"],
        produces=each["produces"],
        consumes=each["consumes"],
        schemes=each["schemes"],
        parameters=[_parameter(parameter) for parameter in each.get("parameters", ())],
        extensions=_extensions(each),
    )


def _parameter(each: Mapping[str, Any]) -> ParametersItem:
    said = {key: value for key, value in each.items() if key not in ("schema", "uniqueItems")}
    if each["in"] == "body":
        made = Parameter(body=BodyParameter(**said, schema=_schema(each["schema"])))
    elif each["in"] == "path":
        made = Parameter(other=NonBodyParameter(path=PathParameter(**said, unique_items=True)))
    else:
        made = Parameter(other=NonBodyParameter(query=QueryParameter(**said, unique_items=True)))
    return ParametersItem(parameter=made)


def _extensions(each: Mapping[str, Any]) -> list[Extension]:
    found = [(key, value) for key, value in each.items() if key.startswith("x-")]
    return [Extension(name=key, value=Value(yaml=json.dumps(value))) for key, value in found]


def _schemas(named: Mapping[str, Any]) -> Schemas:
    return Schemas(items=[NamedSchema(name=name, value=_schema(each)) for name, each in named.items()])


def _schema(each: Mapping[str, Any]) -> Schema:
    made = Schema(
        ref=each.get("$ref", ""),
        format=each.get("format", ""),
        description=each.get("description", ""),
        required=each.get("required", ()),
        extensions=_extensions(each),
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
