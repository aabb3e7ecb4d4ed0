"""The fields that an object mentions. Source: structured-merge-diff, typed/tofieldset.go and fieldpath/set.go."""

from collections import Counter
from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import FieldSet, Path
from apiserver.managedfields.shape import ANY, Shape


def fields_of(value: Any, shape: Shape) -> FieldSet:
    """Leaves, list items, keys of maps, and what is explicitly empty or null."""
    found = FieldSet()
    _collect(value, shape, (), found)
    return found


def _collect(value: Any, shape: Shape, path: Path, found: FieldSet) -> None:
    if shape.kind == "map" or (shape.kind == "any" and isinstance(value, dict)):
        _members(value, shape, path, found)
    elif shape.kind == "list":
        _items(value, shape, path, found)
    else:
        found.insert(path)


def _members(value: Any, shape: Shape, path: Path, found: FieldSet) -> None:
    for name, inner in (value or {}).items():
        step = (*path, element.member(name))
        _collect(inner, shape.member(name) or ANY, step, found)
        if inner is None or inner == {} or not shape.declares(name):
            found.insert(step)


def _items(value: Any, shape: Shape, path: Path, found: FieldSet) -> None:
    keys = [shape.element(item) for item in value or ()]
    times = Counter(keys)
    for key, item in zip(keys, value or (), strict=True):
        if times[key] == 1:
            _collect(item, shape.items, (*path, key), found)
        found.insert((*path, key))


def with_parents(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with every declared field that has members below it: `.a.b.c` brings `.a.b` and `.a`."""
    members = set(fields.members)
    if shape.kind == "map":
        members |= {step for step in fields.children if step[:2] == element.MEMBER and shape.declares(step[2:])}
    children = {step: with_parents(child, shape.under(step)) for step, child in fields.children.items()}
    return FieldSet(members, children)
