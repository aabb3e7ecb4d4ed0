"""The types that rules in a schema see: fields without a type are not there for them.

Source: k8s.io/apiserver/pkg/cel/common/schemas.go (SchemaDeclType).
"""

from apiserver.cel import types as cel
from apiserver.cel.types import CelType
from apiserver.structural.node import Node

_FORMATS = {"byte": cel.BYTES, "duration": cel.DURATION, "date": cel.TIMESTAMP, "date-time": cel.TIMESTAMP}
_SCALARS = {"boolean": cel.BOOL, "number": cel.DOUBLE, "integer": cel.INT}
_NAMES: dict[str, CelType] = {"name": cel.STRING, "generateName": cel.STRING}


def type_of(node: Node | None, *, root: bool = False) -> CelType | None:
    """None where rules cannot see a value. At the root, and in embedded objects, rules see apiVersion, kind and the
    names in metadata whether the schema declares them or not."""
    if node is None:
        return None
    if node.int_or_string:
        return cel.DYN
    if node.type == "array":
        inner = type_of(node.items, root=node.items is not None and node.items.embedded)
        return cel.List(inner) if inner is not None else None
    if node.type == "object":
        if isinstance(node.values, Node) and not root:
            inner = type_of(node.values, root=node.values.embedded)
            return cel.Map(inner) if inner is not None else None
        return cel.Object(_fields(node, root=root))
    if node.type == "string":
        return _FORMATS.get(node.props.get("format") or "", cel.STRING)
    return _SCALARS.get(node.type)


def _fields(node: Node, *, root: bool) -> dict[str, CelType]:
    found: dict[str, CelType] = {}
    for name, child in node.properties.items():
        inner = type_of(child, root=child.embedded)
        if inner is not None:
            found[name] = inner
    if root:
        meta = node.properties.get("metadata")
        said = _fields(meta, root=False) if meta is not None else {}
        found |= {"apiVersion": cel.STRING, "kind": cel.STRING, "metadata": cel.Object({**said, **_NAMES})}
    return found
