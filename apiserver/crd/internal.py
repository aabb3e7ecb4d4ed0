"""A definition as Kubernetes checks it: what all its versions agree on stands once, above them. Pure.

Refusals name fields of this form: `spec.validation.openAPIV3Schema` where all versions have one schema.
Source: Convert_v1_CustomResourceDefinitionSpec_To_apiextensions_CustomResourceDefinitionSpec.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apiserver.structural.gofields import go_schema

Object = dict[str, Any]


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
