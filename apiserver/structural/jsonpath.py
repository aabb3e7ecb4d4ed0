"""JSONPath as Kubernetes writes it: `.status.conditions[?(@.type=="Ready")].status`.

A path becomes a list of steps; a step turns the values found so far into those found next. Raises `PathError`.

Source: k8s.io/client-go/util/jsonpath.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

from apiserver.patch.gotext import go_kind

_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?")
_KEY = re.compile(r"'([^']*)'")
_COMPARED = re.compile(r"([^!<>=]+)([!<>=]+)(.+)", re.S)
_FIELD_END = set(" \t\r\n.,[]$@{}")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Values = list[Any]
Step = Callable[[Values], Values]


class PathError(Exception):
    """A path that is none, or that does not fit the value."""


def find(steps: list[Step], value: Any) -> Values:
    """All that the path leads to; fields that are not there lead nowhere."""
    found = [value]
    for step in steps:
        found = step(found)
    return found


def parse(text: str) -> list[Step]:
    steps: list[Step] = []
    position = 0
    while position < len(text):
        step, position = _next(text, position)
        if step is not None:
            steps.append(step)
    return steps


def _next(text: str, at: int) -> tuple[Step | None, int]:
    """The step that begins here, and where the next one does."""
    char = text[at]
    if char in " \t\r\n@$":
        return None, at + 1
    if text.startswith("[?(", at):
        return _filter(text, at + 3)
    if char == "[":
        end = text.find("]", at)
        if end < 0:
            raise PathError("unterminated array")
        return _array(text[at + 1 : end]), end + 1
    if text.startswith("..", at):
        return _everything, at + 1 if text[at + 2 : at + 3] not in ("[", "") else at + 2
    if char == ".":
        return _field(text, at + 1)
    if char in "\"'":
        end = text.find(char, at + 1)
        while end > 0 and text[end - 1] == "\\":
            end = text.find(char, end + 1)
        if end < 0:
            raise PathError("unterminated quoted string")
        return _constant(text[at + 1 : end].replace(f"\\{char}", char)), end + 1
    return _word(text, at)


def _word(text: str, at: int) -> tuple[Step, int]:
    found = re.compile(r"[^\s\[\].,()]+(\.\d+)?").match(text, at)
    if found is None:
        raise PathError(f"unrecognized character in action: {text[at]!r}")
    word = found[0]
    if word in ("true", "false"):
        return _constant(word == "true"), found.end()
    try:
        return _constant(float(word) if "." in word else int(word)), found.end()
    except ValueError:
        raise PathError(f"unrecognized identifier {word}") from None


def _constant(value: Any) -> Step:
    return lambda values: [value for _ in values]


def _field(text: str, at: int) -> tuple[Step, int]:
    end = at
    while end < len(text) and text[end] not in _FIELD_END:
        end += 2 if text[end] == "\\" else 1
    name = text[at:end]
    if name == "*":
        return _each, end
    name = name.replace("\\", "")
    if not name:
        return lambda values: values, end
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value], end


def _each(values: Values) -> Values:
    found: Values = []
    for value in values:
        found += value if isinstance(value, list) else _members(value)
    return found


def _members(value: Any) -> Values:
    return [value[name] for name in sorted(value)] if isinstance(value, dict) else []


def _everything(values: Values) -> Values:
    """Every value and all below it."""
    found: Values = []
    for value in values:
        found.append(value)
        found += _everything(value if isinstance(value, list) else _members(value))
    return found


def _array(text: str) -> Step:
    if "," in text:
        members = [_array(part.strip()) for part in text.split(",")]
        return lambda values: [item for member in members for item in member(values)]
    if key := _KEY.fullmatch(text):
        steps = parse("." + key[1])
        return lambda values: [item for value in values for item in find(steps, value)]
    bounds = _SLICE.fullmatch(":" if text == "*" else text)
    if bounds is None or not text:
        raise PathError(f"invalid array index {text}")
    first, end, step = (part.removeprefix(":") if part is not None else None for part in bounds.groups())
    start = int(first) if first else 0
    stop = (start + 1 or None) if end is None else int(end) if end else None
    every = int(step) if step else 1

    def take(values: Values) -> Values:
        found: Values = []
        for value in values:
            if value is not None:
                found += _slice(value, start, stop, every)
        return found

    return take


def _slice(value: Any, start: int, stop: int | None, every: int) -> Values:
    if not isinstance(value, list):
        raise PathError(f"{value} is not array or slice")
    size = len(value)
    start = start + size if start < 0 else start
    stop = size if stop is None else stop + size if stop < 0 else stop
    if start == stop:
        return []
    if not (0 <= start < size and 0 <= stop <= size and start < stop):
        raise PathError(f"array index out of bounds: index {start}, length {size}")
    if every <= 0:
        raise PathError("step must be > 0")
    return value[start:stop:every]


def _filter(text: str, at: int) -> tuple[Step, int]:
    """`[?(@.type=="Ready")]`: items for which it is true, or that have what it names."""
    end, quote = at, ""
    while end < len(text) and (quote or text[end] != ")"):
        char = text[end]
        if char in "\"'" and text[end - 1] != "\\" and quote in ("", char):
            quote = "" if quote else char
        end += 1
    if text[end : end + 2] != ")]":
        raise PathError("unterminated filter" if end >= len(text) else "unclosed array expect ]")
    compared = _COMPARED.fullmatch(text[at:end])
    if compared is None:
        left = parse(text[at:end])
        return _filtered(lambda item: bool(find(left, item))), end + 2
    left, right = parse(compared[1]), parse(compared[3])
    compare = _COMPARE.get(compared[2])
    if compare is None:
        raise PathError(f"unrecognized filter operator {compared[2]}")

    def fits(item: Any) -> bool:
        lefts, rights = find(left, item), find(right, item)
        if not lefts or not rights:
            return False
        if len(lefts) > 1 or len(rights) > 1:
            raise PathError("can only compare one element at a time")
        if go_kind(lefts[0]) != go_kind(rights[0]) or isinstance(lefts[0], dict | list):
            raise PathError("incompatible types for comparison")
        return compare(lefts[0], rights[0])

    return _filtered(fits), end + 2


def _filtered(fits: Callable[[Any], bool]) -> Step:
    def step(values: Values) -> Values:
        found: Values = []
        for value in values:
            if not isinstance(value, list):
                raise PathError(f"{value} is not array or slice and cannot be filtered")
            found += [item for item in value if fits(item)]
        return found

    return step
