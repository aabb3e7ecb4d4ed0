"""A definition as Kubernetes checks it: what all its versions agree on stands once, above them. Pure.

Refusals name fields of this form: `spec.validation.openAPIV3Schema` where all versions have one schema.
Source: Convert_v1_CustomResourceDefinitionSpec_To_apiextensions_CustomResourceDefinitionSpec.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

# Go's names of the fields of a version and of a schema, in Go's order; what messages print when they show one.
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


@dataclass(frozen=True, slots=True)
class Internal:
    """`validation`, `subresources`, `columns` and `selectable` are of all versions; then no version has its own."""

    versions: Sequence[Object]
    validation: Object | None
    subresources: Object | None
    columns: Sequence[Object]
    selectable: Sequence[Object]


def internal(spec: Object) -> Internal:
    versions = [dict(version) for version in spec.get("versions") or ()]
    validation = _shared(versions, "schema")
    return Internal(
        versions,
        validation[0],
        _shared(versions, "subresources")[0],
        _shared(versions, "additionalPrinterColumns")[0] or (),
        (_shared(versions, "selectableFields")[0] or ()) if validation[1] else (),
    )


def _shared(versions: Sequence[Object], name: str) -> tuple[Any, bool]:
    """What all versions agree on, taken from them; and whether they do."""
    if not versions:
        return None, True
    first = versions[0].get(name) or None
    if name in ("schema", "subresources") and versions[0].get(name) is not None:
        first = versions[0][name]  # an empty one is one
    if any((version.get(name) or None) != (first or None) for version in versions):
        return None, False
    for version in versions:
        version.pop(name, None)
    return first, True


def shown(versions: Sequence[Object]) -> list[Object]:
    """Versions as messages print them."""
    return [
        {
            "Name": version.get("name", ""),
            "Served": bool(version.get("served")),
            "Storage": bool(version.get("storage")),
            "Deprecated": bool(version.get("deprecated")),
            "DeprecationWarning": version.get("deprecationWarning"),
            "Schema": _validation(version.get("schema")),
            "Subresources": _subresources(version.get("subresources")),
            "AdditionalPrinterColumns": [_column(column) for column in version.get("additionalPrinterColumns") or ()]
            or None,
            "SelectableFields": [
                {"JSONPath": each.get("jsonPath", "")} for each in version.get("selectableFields") or ()
            ]
            or None,
        }
        for version in versions
    ]


def _validation(schema: Object | None) -> Object | None:
    if schema is None:
        return None
    found = schema.get("openAPIV3Schema")
    return {"OpenAPIV3Schema": go_schema(found) if found is not None else None}


def _subresources(found: Object | None) -> Object | None:
    if found is None:
        return None
    scale = found.get("scale")
    return {
        "Status": {} if found.get("status") is not None else None,
        "Scale": scale
        and {
            "SpecReplicasPath": scale.get("specReplicasPath", ""),
            "StatusReplicasPath": scale.get("statusReplicasPath", ""),
            "LabelSelectorPath": scale.get("labelSelectorPath"),
        },
    }


def _column(found: Object) -> Object:
    return {
        "Name": found.get("name", ""),
        "Type": found.get("type", ""),
        "Format": found.get("format", ""),
        "Description": found.get("description", ""),
        "Priority": found.get("priority", 0),
        "JSONPath": found.get("jsonPath", ""),
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
        return [_rule(each) for each in value] or None
    return value


def _rule(found: Object) -> Object:
    texts = {name: found.get(name[0].lower() + name[1:]) for name in _RULE}
    return {name: text if name in ("Reason", "OptionalOldSelf") else text or "" for name, text in texts.items()}
