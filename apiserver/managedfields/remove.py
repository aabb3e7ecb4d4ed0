"""An object without some of its fields. Source: structured-merge-diff, typed/remove.go."""

from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import FieldSet
from apiserver.managedfields.shape import ANY, Shape


def remove(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """A copy as far as it changes. What loses all its members becomes null; atomic values are not entered."""
    if shape.kind == "list" and isinstance(value, list):
        kept = []
        for item in value:
            step = shape.element(item)
            if not fields.has(step):
                below = fields.below(step)
                kept.append(remove(item, below, shape.items) if below else item)
        return kept or None
    if shape.kind in ("map", "any") and isinstance(value, dict):
        members = {}
        for name, inner in value.items():
            step = element.member(name)
            if not fields.has(step):
                below = fields.below(step)
                members[name] = remove(inner, below, shape.member(name) or ANY) if below else inner
        return members or None
    return value


def typed_copy(value: Any, shape: Shape) -> Any:
    """A copy of a merged object, as a typed one keeps it: null fields are no fields."""
    if shape.kind == "list" and isinstance(value, list):
        return [typed_copy(item, shape.items) for item in value]
    if shape.kind != "map" or not isinstance(value, dict):
        return _copy(value)
    return {
        name: typed_copy(inner, shape.member(name) or ANY)
        for name, inner in value.items()
        if inner is not None or not shape.declares(name)
    }


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
