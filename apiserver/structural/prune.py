"""Fields that the schema does not know are dropped, and told.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go.
"""

from typing import Any

from apiserver.structural.node import META, Node


def prune(value: Any, node: Node, *, root: bool = False) -> list[str]:
    """Changes the value; answers the paths of what went, sorted: `spec.crew[0].rank`. At the root, and in embedded
    objects, apiVersion, kind and metadata stay as they are."""
    gone: list[str] = []
    if isinstance(value, dict):
        _members(value, node, "", gone, embedded=root or node.embedded, keeps=node.preserve)
    elif isinstance(value, list):
        _items(value, node, "", gone, keeps=node.preserve)
    return sorted(gone)


def _members(
    value: dict[str, Any], node: Node | None, path: str, gone: list[str], *, embedded: bool, keeps: bool
) -> None:
    """`keeps`: unknown fields stay here, because the schema says so of the value or of the list that it is in."""
    for name, item in list(value.items()):
        if embedded and name in META:
            continue
        if node is not None and (name in node.properties or node.values is not None):
            child = node.member(name)
            if isinstance(item, dict):
                below = f"{path}.{name}" if path else name
                _members(item, child, below, gone, embedded=_embedded(child), keeps=_keeps(child))
            elif isinstance(item, list):
                _items(item, child, f"{path}.{name}" if path else name, gone, keeps=_keeps(child))
        elif not keeps:
            del value[name]
            if path or name not in META:
                gone.append(f"{path}.{name}" if path else name)


def _items(value: list[Any], node: Node | None, path: str, gone: list[str], *, keeps: bool) -> None:
    inner = node.items if node is not None else None
    if keeps and inner is None:
        return
    keeps = keeps or _keeps(inner)
    for position, item in enumerate(value):
        if isinstance(item, dict):
            _members(item, inner, f"{path}[{position}]", gone, embedded=_embedded(inner), keeps=keeps)
        elif isinstance(item, list):
            _items(item, inner, f"{path}[{position}]", gone, keeps=keeps)


def _embedded(node: Node | None) -> bool:
    return node is not None and node.embedded


def _keeps(node: Node | None) -> bool:
    return node is not None and node.preserve
