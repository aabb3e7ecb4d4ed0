"""What changed between two objects, as three sets of fields.

Where a map or a list is new or gone, it counts itself (`.`) with everything in it. Source: structured-merge-diff,
typed/compare.go.
"""

from dataclasses import dataclass, field
from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import FieldSet, Path
from apiserver.managedfields.shape import ANY, Shape

MISSING: Any = object()


@dataclass(slots=True)
class Comparison:
    added: FieldSet = field(default_factory=FieldSet)
    removed: FieldSet = field(default_factory=FieldSet)
    modified: FieldSet = field(default_factory=FieldSet)

    def without(self, ignored: FieldSet) -> "Comparison":
        if not ignored:
            return self
        sets = (self.added, self.removed, self.modified)
        return Comparison(*(found.without(ignored) for found in sets))


def compare(old: Any, new: Any, shape: Shape) -> Comparison:
    """Raises shape.SchemaError for lists whose items cannot be told apart."""
    found = Comparison()
    _compare(old, new, shape, (), found)
    return found


def _compare(old: Any, new: Any, shape: Shape, path: Path, found: Comparison) -> None:
    if old is new or (old is not MISSING and new is not MISSING and old == new):
        return
    kind = _kind(old, new, shape)
    if kind == "map" and (_filled(old, dict) or _filled(new, dict)):
        _members(old, new, shape, path, found)
    elif kind == "list" and (_filled(old, list) or _filled(new, list)):
        _items(old, new, shape, path, found)
    else:
        _leaf(old, new, path, found)
        return
    if old is MISSING:
        found.added.insert(path)
    elif new is MISSING:
        found.removed.insert(path)


def _kind(old: Any, new: Any, shape: Shape) -> str:
    if shape.kind != "any":
        return shape.kind
    present = [value for value in (old, new) if value is not MISSING]
    return "map" if any(isinstance(value, dict) for value in present) else "scalar"


def _filled(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and bool(value)


def _leaf(old: Any, new: Any, path: Path, found: Comparison) -> None:
    if old is MISSING:
        found.added.insert(path)
    elif new is MISSING:
        found.removed.insert(path)
    else:
        found.modified.insert(path)


def _members(old: Any, new: Any, shape: Shape, path: Path, found: Comparison) -> None:
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    if shape.kind == "any" and not (isinstance(old, dict) and isinstance(new, dict)) and MISSING not in (old, new):
        found.modified.insert(path)
    for name in [*before, *(name for name in after if name not in before)]:
        inner = shape.member(name) or ANY
        step = (*path, element.member(name))
        _compare(before.get(name, MISSING), after.get(name, MISSING), inner, step, found)


def _items(old: Any, new: Any, shape: Shape, path: Path, found: Comparison) -> None:
    """Items that stand several times under one key are compared together, as one."""
    before = _index(old, shape)
    after = _index(new, shape)
    for key in [*before, *(key for key in after if key not in before)]:
        olds, news = before.get(key, []), after.get(key, [])
        step = (*path, key)
        if len(olds) <= 1 and len(news) <= 1:
            one, other = (values[0] if values else MISSING for values in (olds, news))
            _compare(one, other, shape.items, step, found)
        elif len(olds) > 1 and len(news) > 1:
            if olds != news:
                found.modified.insert(step)
        elif len(olds) > 1:
            if news:
                _compare(MISSING, news[0], shape.items, step, found)
            found.removed.insert(step)
        else:
            if olds:
                _compare(olds[0], MISSING, shape.items, step, found)
            found.added.insert(step)


def _index(items: Any, shape: Shape) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items if isinstance(items, list) else ():
        found.setdefault(shape.element(item), []).append(item)
    return found
