"""Fields that the schema does not know are dropped, and told.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go.
"""

from typing import Any

from apiserver.structural.node import META, Node


def prune(value: Any, node: Node, *, root: bool = False) -> list[str]:
    """Changes the value; answers the paths of what went, sorted: `spec.crew[0].rank`. At the root, and in embedded
    objects, apiVersion, kind and metadata stay as they are."""
    gone: list[str] = []
    _prune(value, node, "", gone, embedded=root or node.embedded, keeps=node.preserve)
    return sorted(gone)


def _prune(value: Any, node: Node | None, path: str, gone: list[str], *, embedded: bool, keeps: bool) -> None:
    """`keeps`: unknown fields stay here, because the schema says so of the value or of the list that it is in."""
    if isinstance(value, dict):
        for name in list(value):
            if embedded and name in META:
                continue
            below = f"{path}.{name}" if path else name
            if node is not None and (name in node.properties or node.values is not None):
                child = node.member(name)
                _prune(value[name], child, below, gone, **_flags(child))
            elif not keeps:
                del value[name]
                if path or name not in META:
                    gone.append(below)
    elif isinstance(value, list):
        inner = node.items if node is not None else None
        if keeps and inner is None:
            return
        flags = _flags(inner)
        flags["keeps"] |= keeps
        for position, item in enumerate(value):
            _prune(item, inner, f"{path}[{position}]", gone, **flags)


def _flags(node: Node | None) -> dict[str, bool]:
    return {"embedded": node is not None and node.embedded, "keeps": node is not None and node.preserve}
