"""Path elements: one step into an object, in the text form that FieldsV1 writes.

    f:<name>      a member of an object          .spec
    k:<json>      an item of a keyed list        [name="main"]
    v:<json>      an item of a set               [="x.io/a"]
    i:<number>    a position in a list           [0]

Elements are plain strings, in one canonical writing, so that sets of them are sets of strings.
"""

import json
from typing import Any

Sortable = tuple[int, tuple[tuple[str, int, Any], ...]]

MEMBER, ITEM, VALUE, INDEX = "f:", "k:", "v:", "i:"
ORDER = (MEMBER, ITEM, VALUE, INDEX)


class BadElement(ValueError):
    """A text that is no path element."""


def member(name: str) -> str:
    return MEMBER + name


def item(keys: dict[str, Any]) -> str:
    return ITEM + _json({name: keys[name] for name in sorted(keys)})


def value(scalar: Any) -> str:
    return VALUE + _json(scalar)


def canonical(text: str) -> str:
    """The canonical writing of an element that a client wrote; raises BadElement."""
    kind, rest = text[:2], text[2:]
    try:
        if kind == MEMBER:
            return text
        if kind == ITEM:
            keys = json.loads(rest)
            if not isinstance(keys, dict):
                raise BadElement(text)
            return item(keys)
        if kind == VALUE:
            return value(json.loads(rest))
        if kind == INDEX:
            return INDEX + str(int(rest))
    except ValueError as wrong:
        raise BadElement(text) from wrong
    raise BadElement(text)


def shown(element: str) -> str:
    """The element as messages show it."""
    kind, rest = element[:2], element[2:]
    if kind == MEMBER:
        return "." + rest
    if kind == ITEM:
        keys = json.loads(rest)
        return "[" + ",".join(f"{name}={_json(keys[name])}" for name in sorted(keys)) + "]"
    if kind == VALUE:
        return f"[={rest}]"
    return f"[{rest}]"


def order(element: str) -> Sortable:
    """The order in which paths are told: members, items, values, positions; numbers by size."""
    kind, rest = element[:2], element[2:]
    if kind == MEMBER:
        return ORDER.index(kind), ((rest, 0, 0),)
    decoded = json.loads(rest)
    pairs = sorted(decoded.items()) if kind == ITEM else [("", decoded)]
    return ORDER.index(kind), tuple((name, *_ranked(scalar)) for name, scalar in pairs)


def _ranked(scalar: Any) -> tuple[int, Any]:
    """Numbers before strings before booleans before the rest, as structured-merge-diff compares values."""
    if isinstance(scalar, bool):
        return 2, scalar
    if isinstance(scalar, int | float):
        return 0, scalar
    if isinstance(scalar, str):
        return 1, scalar
    return 3, _json(scalar)


def _json(found: Any) -> str:
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)
