"""A schema as messages show it whole: by the names of Go's fields, in Go's order, every field written.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/types_jsonschema.go.
"""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

_SCHEMA = (
    "ID", "Schema", "Ref", "Description", "Type", "Nullable", "Format", "Title", "Default", "Maximum",
    "ExclusiveMaximum", "Minimum", "ExclusiveMinimum", "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems",
    "UniqueItems", "MultipleOf", "Enum", "MaxProperties", "MinProperties", "Required", "Items", "AllOf", "OneOf",
    "AnyOf", "Not", "Properties", "AdditionalProperties", "PatternProperties", "Dependencies", "AdditionalItems",
    "Definitions", "ExternalDocs", "Example", "XPreserveUnknownFields", "XEmbeddedResource", "XIntOrString",
    "XListMapKeys", "XListType", "XMapType", "XValidations",
)  # fmt: skip
_EMPTY_TEXT = ("ID", "Schema", "Description", "Type", "Format", "Title", "Pattern")
_FALSE = ("Nullable", "ExclusiveMaximum", "ExclusiveMinimum", "UniqueItems", "XEmbeddedResource", "XIntOrString")
_ONE = ("Not",)
_MANY = ("AllOf", "OneOf", "AnyOf")
_NAMED = ("Properties", "PatternProperties", "Definitions")
_RULE = ("Rule", "Message", "MessageExpression", "Reason", "FieldPath", "OptionalOldSelf")
_JSON_NAMES = {
    "ID": "id",
    "Schema": "$schema",
    "Ref": "$ref",
    "XPreserveUnknownFields": "x-kubernetes-preserve-unknown-fields",
    "XEmbeddedResource": "x-kubernetes-embedded-resource",
    "XIntOrString": "x-kubernetes-int-or-string",
    "XListMapKeys": "x-kubernetes-list-map-keys",
    "XListType": "x-kubernetes-list-type",
    "XMapType": "x-kubernetes-map-type",
    "XValidations": "x-kubernetes-validations",
}


def go_schema(found: Mapping[str, Any]) -> Object:
    """A schema under Go's names, every field written."""
    return {name: _part(name, found.get(_json_name(name))) for name in _SCHEMA}


def _json_name(name: str) -> str:
    return _JSON_NAMES.get(name) or name[0].lower() + name[1:]


def _part(name: str, value: Any) -> Any:
    if name in _EMPTY_TEXT:
        return value or ""
    if name in _FALSE:
        return bool(value)
    if value is None:
        return None
    if name in _ONE:
        return go_schema(value)
    if name in _MANY:
        return [go_schema(each) for each in value] or None
    if name in _NAMED:
        return {key: go_schema(value[key]) for key in sorted(value)}
    if name in ("AdditionalProperties", "AdditionalItems"):
        allowed = value if isinstance(value, bool) else True
        return {"Allows": allowed, "Schema": go_schema(value) if isinstance(value, dict) else None}
    if name == "Items":
        one = isinstance(value, dict)
        return {
            "Schema": go_schema(value) if one else None,
            "JSONSchemas": None if one else [go_schema(each) for each in value],
        }
    if name == "ExternalDocs":
        return {"Description": value.get("description", ""), "URL": value.get("url", "")}
    if name == "XValidations":
        return [go_rule(each) for each in value] or None
    return value


def go_rule(found: Object) -> Object:
    texts = {name: found.get(name[0].lower() + name[1:]) for name in _RULE}
    return {name: text if name in ("Reason", "OptionalOldSelf") else text or "" for name, text in texts.items()}
