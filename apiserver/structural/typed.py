"""A custom resource's schema as the `Schema` of every other kind: who owns which field, and what lists merge by.

Source: k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder and k8s.io/kube-openapi/pkg/schemaconv.
"""

from collections.abc import Callable
from typing import Any

from apiserver.schema.load import schema as known
from apiserver.schema.schema import Field, Schema
from apiserver.structural.node import Node

DEDUCED = Schema("", map_type="granular")  # whatever it turns out to be
UNTYPED = Schema("string", "int-or-string")
_STRING = Schema("string")
_SCALARS = {name: Schema(name) for name in ("string", "integer", "number", "boolean")}


def typed(root: Node, *, name: str, shape: Callable[..., Any], publish: Callable[[str], dict[str, Any]]) -> Schema:
    """`name` is what OpenAPI calls it: "com.example.v1.Boat"; `shape` reads a body, `publish` is what OpenAPI says."""
    return Schema(
        "object",
        description=root.props.get("description") or "",
        name=name,
        fields={**_fields(root), **_envelope()},
        values=_others(root),
        shape=shape,
        publish=publish,
    )


def _envelope() -> dict[str, Field]:
    meta = known("meta.v1.ObjectMeta")
    return {"apiVersion": Field(_STRING), "kind": Field(_STRING), "metadata": Field(meta)}


def _fields(node: Node) -> dict[str, Field]:
    return {name: _field(child) for name, child in node.properties.items()}


def _field(node: Node) -> Field:
    made = _schema(node)
    return Field(
        made,
        description=node.props.get("description") or "",
        list_type=made.list_type,
        list_map_keys=made.list_map_keys,
        map_type=made.map_type,
        default=node.default,
    )


def _others(node: Node) -> Schema | None:
    """What members without a field of their own are."""
    if isinstance(node.values, Node):
        return _schema(node.values)
    return DEDUCED if node.preserve or node.values is True else None


def _schema(node: Node) -> Schema:
    words = node.props.get("description") or ""
    if node.int_or_string:
        return UNTYPED
    if node.type == "array":
        items = _schema(node.items) if node.items is not None else DEDUCED
        return Schema("array", items=items, list_type=node.list_type, list_map_keys=node.list_map_keys)
    if node.type == "object":
        fields = _fields(node)
        if node.embedded:
            fields |= _envelope()
        others = _others(node)
        if not fields and others is None:
            others = DEDUCED if node.preserve else None
        return Schema("object", description=words, fields=fields, values=others, map_type=node.map_type)
    return _SCALARS.get(node.type, DEDUCED)
