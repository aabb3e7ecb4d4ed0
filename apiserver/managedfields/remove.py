"""An object without some of its fields. Source: structured-merge-diff, typed/remove.go."""

from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import EMPTY, FieldSet
from apiserver.managedfields.shape import ANY, Shape


def remove(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """A copy as far as it changes. What loses all its members becomes null; atomic values are not entered."""
    if shape.kind == "list" and isinstance(value, list):
        kept = [_item(item, fields, shape) for item in value if shape.element(item) not in fields.members]
        return kept or None
    if shape.kind in ("map", "any") and isinstance(value, dict):
        members = {
            name: _member(name, inner, fields, shape)
            for name, inner in value.items()
            if element.member(name) not in fields.members
        }
        return members or None
    return value


def _item(item: Any, fields: FieldSet, shape: Shape) -> Any:
    below = fields.children.get(shape.element(item), EMPTY)
    return remove(item, below, shape.items) if below else item


def _member(name: str, value: Any, fields: FieldSet, shape: Shape) -> Any:
    below = fields.children.get(element.member(name), EMPTY)
    return remove(value, below, shape.member(name) or ANY) if below else value


def without_nulls(value: Any, shape: Shape) -> Any:
    """What a typed object keeps of a merged one: null fields are no fields."""
    if shape.kind == "list" and isinstance(value, list):
        return [without_nulls(item, shape.items) for item in value]
    if shape.kind != "map" or not isinstance(value, dict):
        return value
    return {
        name: without_nulls(inner, shape.member(name) or ANY)
        for name, inner in value.items()
        if inner is not None or not shape.declares(name)
    }
