"""The fields that an object mentions. Source: structured-merge-diff, typed/tofieldset.go and fieldpath/set.go."""

from collections import Counter
from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import SELF, FieldSet, Tree
from apiserver.managedfields.shape import ANY, Shape


def fields_of(value: Any, shape: Shape) -> FieldSet:
    """Leaves, list items, keys of maps, and what is explicitly empty or null."""
    return FieldSet(_tree(value, shape) or {})


def _tree(value: Any, shape: Shape) -> Tree | None:
    """What is mentioned below, None for nothing; a leaf mentions itself."""
    if shape.kind == "map" or (shape.kind == "any" and isinstance(value, dict)):
        return _members(value, shape)
    if shape.kind == "list":
        return _items(value, shape)
    return {}


def _members(value: Any, shape: Shape) -> Tree | None:
    tree: Tree = {}
    for name, inner in (value or {}).items():
        below = _tree(inner, shape.member(name) or ANY)
        itself = inner is None or inner == {} or not shape.declares(name)
        if below:
            tree[element.member(name)] = {SELF: {}, **below} if itself else below
        elif below is not None or itself:
            tree[element.member(name)] = {}
    return tree or None


def _items(value: Any, shape: Shape) -> Tree | None:
    keys = [shape.element(item) for item in value or ()]
    times = Counter(keys)
    tree: Tree = {}
    for key, item in zip(keys, value or (), strict=True):
        below = _tree(item, shape.items) if times[key] == 1 else None
        tree[key] = {SELF: {}, **below} if below else {}
    return tree or None


def everything_in(value: Any, shape: Shape) -> Tree:
    """All that is in a value that is new, or gone: leaves, and every map and list that is not empty."""
    if value and isinstance(value, dict) and shape.kind in ("map", "any"):
        tree: Tree = {SELF: {}}
        for name, inner in value.items():
            deeper = inner and isinstance(inner, dict | list)  # most are leaves
            tree[element.member(name)] = everything_in(inner, shape.member(name) or ANY) if deeper else {}
        return tree
    if value and isinstance(value, list) and shape.kind == "list":
        return {SELF: {}, **_everything_items(value, shape)}
    return {}


def _everything_items(value: list[Any], shape: Shape) -> Tree:
    tree: Tree = {}
    for item in value:
        key = shape.element(item)
        tree[key] = {} if key in tree else everything_in(item, shape.items)  # items of one key are owned together
    return tree


def with_parents(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with every declared field that has members below it: `.a.b.c` brings `.a.b` and `.a`."""
    return FieldSet(_with_parents(fields.tree, shape))


def _with_parents(tree: Tree, shape: Shape) -> Tree:
    found: Tree = {}
    for step, below in tree.items():
        if not below or step == SELF:
            found[step] = below
            continue
        inner = _with_parents(below, shape.under(step))
        if shape.kind == "map" and step[:2] == element.MEMBER and shape.declares(step[2:]):
            inner[SELF] = {}
        found[step] = inner
    return found
