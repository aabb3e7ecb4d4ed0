"""What cel-go's checker refuses of literals, and the engine's does not: lists and maps of mixed types, texts that are
no duration, time or pattern. Only literals that stand by themselves are looked at. Pure.

Source: cel-go checker/checker.go (joinTypes), cel/validator.go; Kubernetes turns both on.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from apiserver.cel.tokens import Token, tokens

FORMATS = ("duration", "timestamp", "matches")
_BOOL = ("true", "false")


class Wrong(NamedTuple):
    offset: int
    message: str


def wrong(expression: str, is_format: Callable[[str, str], bool]) -> list[Wrong]:
    """`is_format` (function, literal) tells whether the function takes the text."""
    listed = list(tokens(expression))
    return [*_mixed(listed), *_formats(listed, is_format)]


def _formats(listed: list[Token], is_format: Callable[[str, str], bool]) -> Iterator[Wrong]:
    for name, mark, literal, end in zip(listed, listed[1:], listed[2:], listed[3:], strict=False):
        called = name.text in FORMATS and (mark.text, literal.kind, end.text) == ("(", "string", ")")
        if called and not is_format(name.text, literal.text):
            yield Wrong(literal.start, f"invalid {name.text} argument")


class _Open(NamedTuple):
    """An open bracket: of a list, of a map, or of anything else; its elements or values so far, and a map's keys."""

    kind: str
    elements: list[list[Token]]
    keys: list[list[Token]]


def _mixed(listed: list[Token]) -> Iterator[Wrong]:
    stack: list[_Open] = []
    before = Token("mark", "", 0)
    for position, token in enumerate(listed):
        here = stack[-1] if stack else None
        formatted = [each.text for each in listed[max(position - 2, 0) : position]] == ["format", "("]
        if token.kind == "mark" and token.text in "([{":
            if here:
                here.elements[-1].append(token)
            stack.append(_Open("" if formatted else _bracket(token, before), [[]], []))
        elif token.kind == "mark" and token.text in ")]}" and stack:
            closed = stack.pop()
            if closed.kind:
                yield from _differ(closed.keys)
                yield from _differ(closed.elements)
        elif here and token.text == ",":
            here.elements.append([])
        elif here and token.text == ":" and here.kind == "map" and "?" not in [each.text for each in here.elements[-1]]:
            here.keys.append(here.elements.pop())
            here.elements.append([])
        elif here:
            here.elements[-1].append(token)
        before = token


def _bracket(token: Token, before: Token) -> str:
    """An index follows a value, a message its name."""
    follows = before.kind in ("name", "string", "number") or before.text in ("]", ")", "}")
    if token.text == "(" or (follows and before.text not in ("in",)):
        return ""
    return "list" if token.text == "[" else "map"


def _differ(elements: list[list[Token]]) -> Iterator[Wrong]:
    first = ""
    for element in elements:
        kind = _kind(element)
        first = first or kind
        if kind and kind != first:
            yield Wrong(element[0].start, f"expected type '{first}' but found '{kind}'")
            return


def _kind(element: list[Token]) -> str:
    """Of a literal that stands alone; "" for anything else."""
    if len(element) == 2 and element[0].text == "-":
        element = element[1:]
    if len(element) != 1:
        return ""
    token = element[0]
    if token.kind == "string":
        return "bytes" if "b" in token.text.partition(token.text[-1])[0].lower() else "string"
    if token.kind == "number":
        return _number(token.text)
    return "bool" if token.text in _BOOL else ""


def _number(text: str) -> str:
    if text.endswith("u"):
        return "uint"
    decimal = "x" not in text and any(mark in text for mark in ".eE")
    return "double" if decimal else "int"
