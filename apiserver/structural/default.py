"""Defaults are filled in, at every depth; nulls that may not be are dropped or replaced.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/{algorithm,prunenulls}.go.
"""

from copy import deepcopy
from typing import Any

from apiserver.structural.node import Node


def default(value: Any, node: Node | None) -> None:
    """Changes the value. A missing field takes its default, and so does a null that may not be one."""
    if node is None or not node.has_defaults:
        return
    if isinstance(value, dict):
        for name, child in node.properties.items():
            if child.default is not None and (name not in value or _forbidden_null(value[name], child)):
                value[name] = deepcopy(child.default)
        for name in value:
            inner = node.member(name)
            if inner is node.values and inner is not None and _forbidden_null(value[name], inner):
                value[name] = deepcopy(inner.default)
            default(value[name], inner)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if node.items is not None and _forbidden_null(item, node.items):
                value[position] = deepcopy(node.items.default)
            default(value[position], node.items)


def _forbidden_null(value: Any, node: Node) -> bool:
    return value is None and not node.nullable


def drop_nulls(value: Any, node: Node | None) -> None:
    """Changes the value: a null goes where the schema neither allows it nor has a default for it."""
    if node is None:
        return
    if isinstance(value, dict):
        for name, item in list(value.items()):
            if item is None:
                child = node.member(name)
                if child is not None and not child.nullable and child.default is None:
                    del value[name]
            elif isinstance(item, dict | list):
                drop_nulls(item, node.member(name))
    elif isinstance(value, list):
        for item in value:
            drop_nulls(item, node.items)
