"""Lists that are sets or maps hold nothing twice.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go.
"""

import json
from typing import Any

from apiserver.structural.node import Node
from podling.api import field
from podling.api.field import ErrorList, Path


def duplicates(value: Any, node: Node | None, path: Path) -> ErrorList:
    if node is None or not node.has_lists:
        return []
    found: ErrorList = []
    if isinstance(value, dict):
        for name, item in sorted(value.items()):
            if isinstance(node.values, Node) and node.values.has_lists:
                found += duplicates(item, node.values, path.key(name))
            if name in node.properties and node.properties[name].has_lists:
                found += duplicates(item, node.properties[name], path.child(name))
    elif isinstance(value, list):
        if node.list_type == "set":
            found += [field.duplicate(path.index(place), value[place]) for place in _again(value)]
        elif node.list_type == "map":
            found += _map(value, node, path)
        for place, item in enumerate(value) if node.items is not None and node.items.has_lists else ():
            found += duplicates(item, node.items, path.index(place))
    return found


def _map(items: list[Any], node: Node, path: Path) -> ErrorList:
    for place, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            return [field.invalid(path.index(place), item, "must be an object for an array of list-type map")]
    keys = [
        {name: item[name] for name in node.list_map_keys if name in item} for item in (each or {} for each in items)
    ]
    return [field.duplicate(path.index(place), dict(sorted(keys[place].items()))) for place in _again(keys)]


def _again(items: list[Any]) -> list[int]:
    """Where a value stands for the second time; the third and later ones are not told again."""
    times: dict[str, int] = {}
    found: list[int] = []
    for place, item in enumerate(items):
        text = json.dumps(item, sort_keys=True)
        times[text] = times.get(text, 0) + 1
        if times[text] == 2:
            found.append(place)
    return found


def ordered_like(old: Any, new: Any, node: Node | None) -> Any:
    """The old value, its sets and maps in the new value's order where they have the same items: rules compare them
    regardless of order."""
    if node is None or not node.has_lists or type(old) is not type(new):
        return old
    if isinstance(old, dict):
        return {name: ordered_like(each, new.get(name), node.member(name)) for name, each in old.items()}
    if not isinstance(old, list) or len(old) != len(new):
        return old
    known = {_identity(each, node): each for each in old}
    names = [_identity(each, node) for each in new]
    if node.list_type not in ("set", "map") or known.keys() != set(names) or len(known) != len(old):
        return old
    return [ordered_like(known[name], each, node.items) for name, each in zip(names, new, strict=True)]


def _identity(item: Any, node: Node) -> str:
    if node.list_type == "map" and isinstance(item, dict):
        item = [item.get(name) for name in node.list_map_keys]
    return json.dumps(item, sort_keys=True)
