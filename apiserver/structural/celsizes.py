"""How large values may become that a schema describes, in the sizes that a rule's cost is estimated by.

Without a limit, a value is as large as fits into a request. Source: k8s.io/apiserver/pkg/cel/common/schemas.go
(SchemaDeclType: MaxElements, MinSerializedSize) and limits.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apiserver.cel.costs import Size, Steps
from apiserver.cel.escape import escape
from apiserver.structural.node import Node

_REQUEST_BYTES = 3 * 1024 * 1024
_TEXT = _REQUEST_BYTES - 2  # without quotes
_FORMATS = {"byte": "bytes", "duration": "duration", "date": "timestamp", "date-time": "timestamp"}
_MOST = {"duration": 32, "date": 12, "date-time": 32}
_LEAST_BYTES = {"duration": 3, "date": 12, "date-time": 21}
_SCALARS = {"boolean": ("bool", 4), "number": ("double", 1), "integer": ("int", 1)}


@dataclass(frozen=True)
class Sized:
    """`most` is of characters, items or entries, 0 of what has no size; `least_bytes` of JSON."""

    kind: str
    most: int = 0
    least_bytes: int = 0
    inner: "Sized | None" = None  # of a list's items, of a map's values
    fields: "Mapping[str, Sized]" = field(default_factory=dict)  # by the names that rules use


_PLAIN = Sized("string", _TEXT, 2)
_KEY = Sized("string", 0, 2)


def sized(node: Node | None, *, root: bool = False) -> Sized | None:
    """None where rules cannot see a value."""
    if node is None:
        return None
    if node.int_or_string:
        return Sized("dyn", _length(node), 1)
    if node.type == "array":
        inner = sized(node.items, root=node.items is not None and node.items.embedded)
        return _list(node, inner) if inner else None
    if node.type == "object":
        if isinstance(node.values, Node) and not root:
            inner = sized(node.values, root=node.values.embedded)
            return _map(node, inner) if inner else None
        return _object(node, root=root)
    if node.type == "string":
        return _string(node)
    kind, least = _SCALARS.get(node.type, ("", 0))
    return Sized(kind, 0, least) if kind else None


def _list(node: Node, inner: Sized) -> Sized:
    most = _limit(node, "maxItems")
    return Sized("list", (_REQUEST_BYTES - 2) // (inner.least_bytes + 1) if most is None else most, 2, inner)


def _map(node: Node, inner: Sized) -> Sized:
    most = _limit(node, "maxProperties")
    return Sized("map", (_REQUEST_BYTES - 2) // (inner.least_bytes + 6) if most is None else most, 2, inner)


def _object(node: Node, *, root: bool) -> Sized:
    required, least = set(node.props.get("required") or ()), 2
    found: dict[str, Sized] = {}
    defaulted = {name for name, child in node.properties.items() if child.default is not None}
    children = {name: sized(child, root=child.embedded) for name, child in node.properties.items()}
    if root:
        meta = Sized("message", 0, 2, None, {"name": _PLAIN, "generateName": _PLAIN})
        children |= {"apiVersion": _PLAIN, "kind": _PLAIN, "metadata": meta}
    for name, child in children.items():
        if child is None:
            continue
        if escaped := escape(name):
            found[escaped] = child
        if name in required and name not in defaulted:
            least += len(name.encode()) + child.least_bytes + 4
    return Sized("message", 0, least, None, found)


def _string(node: Node) -> Sized:
    form = node.props.get("format") or ""
    kind = _FORMATS.get(form, "string")
    if kind == "bytes":
        most = _limit(node, "maxLength")
        return Sized(kind, _TEXT if most is None else most, 2)
    if kind != "string":
        return Sized(kind, _MOST[form], _LEAST_BYTES[form])
    texts = node.props.get("enum") or ()
    if texts and _limit(node, "maxLength") is None:
        return Sized(kind, max(len(each.encode()) if isinstance(each, str) else 0 for each in texts), 2)
    return Sized(kind, _length(node), 2)


def _length(node: Node) -> int:
    """A character takes up to four bytes."""
    most = _limit(node, "maxLength")
    return _TEXT if most is None else most * 4


def _limit(node: Node, name: str) -> int | None:
    found = node.props.get(name)
    return None if found is None else max(int(found), 0)


def times_within(node: Sized) -> int:
    """How many of these fit into a request."""
    return _REQUEST_BYTES // (node.least_bytes + 1)


@dataclass(frozen=True)
class Declared:
    """The sizes below a rule's value: `self` and `oldSelf` alike, whatever the first step is called."""

    root: Sized

    def size(self, path: Steps) -> Size | None:
        found = self._find(path)
        return Size(0, found.most) if found else None

    def kind(self, path: Steps) -> str:
        found = self._find(path) if path else None
        return found.kind if found else ""

    def _find(self, path: Steps) -> Sized | None:
        found: Sized | None = self.root
        for step in path[1:]:
            if found is None:
                return None
            if step in ("@items", "@values"):
                found = found.inner
            elif step == "@keys":
                found = _KEY if found.kind == "map" else None
            else:
                found = found.fields.get(step)
        return found
