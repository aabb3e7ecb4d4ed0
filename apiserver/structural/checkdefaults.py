"""Defaults are values like others: valid, and without unknown fields.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from apiserver.schema.shape import Notes
from apiserver.structural import embedded
from apiserver.structural.celask import check_default
from apiserver.structural.node import META, MISSING, Node, Object, same
from apiserver.structural.prune import prune
from apiserver.structural.values import checker, rebased
from podling.api import field
from podling.api.field import ErrorList, Path

Surround = Callable[[Any], Any]  # a value put where it stands in a whole object


def check_defaults(root: Node, path: Path, *, pruned: bool = True) -> ErrorList:
    """Of all defaults in a schema, which stands at `path`."""
    return _check(root if root.embedded else replace(root, embedded=True), None, path, _object, pruned=pruned)


def _object(value: Any) -> Object:
    return {"kind": "Validation", "apiVersion": "validation/v1", **(value if isinstance(value, dict) else {})}


def _check(node: Node | None, whole: Node | None, path: Path, surround: Surround, *, pruned: bool) -> ErrorList:
    """`whole` is the schema of the object whose metadata this is in, None outside of metadata."""
    if node is None:
        return []
    if node.embedded:
        whole, surround = None, _object
    found = _default(node, whole, path.child("default"), surround, pruned=pruned)
    found += _check(node.items, whole, path.child("items"), lambda value: surround([value]), pruned=pruned)
    for name, child in node.properties.items():
        owner = node if node.embedded and name in META else whole
        below = path.child("properties").key(name)
        found += _check(child, owner, below, _under(name, surround), pruned=pruned)
    return found


def _under(name: str, surround: Surround) -> Surround:
    return lambda value: surround({name: value})


def _default(node: Node, whole: Node | None, path: Path, surround: Surround, *, pruned: bool) -> ErrorList:
    if node.default is None:
        return []
    value = deepcopy(node.default)
    if whole is not None:
        made = surround(value)
        wrong = embedded.coerce(made, whole, Path(), Notes())
        words = [str(wrong)] if wrong else [str(each) for each in embedded.check(made, whole, Path())]
        if words:
            text = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
            return [field.invalid(path, node.default, f"must result in valid metadata: {text}")]
        return _values(node, value, path)
    found: ErrorList = []
    if pruned:
        prune(value, node)
        if not same(value, node.default):
            found.append(field.invalid(path, node.default, "must not have unknown fields"))
        value = deepcopy(node.default)
    wrong = embedded.coerce(value, node, path, Notes())
    if wrong:
        return [*found, wrong]
    return found + (embedded.check(value, node, path) or _values(node, value, path))


def _values(node: Node, value: Any, path: Path) -> ErrorList:
    found = [rebased(error, str(path)) for error in checker(node.props, node)(value, "", MISSING).errors]
    return found or check_default(node, path)
