"""What changed between two objects, as three sets of fields.

Where a map or a list is new or gone, it counts itself (`.`) with everything in it. Source: structured-merge-diff,
typed/compare.go.
"""

from dataclasses import dataclass, field
from typing import Any

from apiserver.managedfields import element
from apiserver.managedfields.fieldset import FieldSet, Path
from apiserver.managedfields.mentioned import everything_in
from apiserver.managedfields.shape import ANY, Shape

MISSING: Any = object()


@dataclass(slots=True)
class Comparison:
    added: FieldSet = field(default_factory=FieldSet)
    removed: FieldSet = field(default_factory=FieldSet)
    modified: FieldSet = field(default_factory=FieldSet)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.modified)

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
    if old is MISSING:
        found.added.graft(path, everything_in(new, shape))
    elif new is MISSING:
        found.removed.graft(path, everything_in(old, shape))
    elif old is new or old == new:
        return
    elif shape.kind in ("map", "any") and (_filled(old, dict) or _filled(new, dict)):
        _members(old, new, shape, path, found)
    elif shape.kind == "list" and (_filled(old, list) or _filled(new, list)):
        _items(old, new, shape, path, found)
    elif path:
        found.modified.insert(path)


def _filled(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and bool(value)


def _members(old: Any, new: Any, shape: Shape, path: Path, found: Comparison) -> None:
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    if shape.kind == "any" and type(old) is not type(new):
        found.modified.insert(path)
    for name in [*before, *(name for name in after if name not in before)]:
        one, other = before.get(name, MISSING), after.get(name, MISSING)
        if one is not other and one != other:
            _compare(one, other, shape.member(name) or ANY, (*path, element.member(name)), found)


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
