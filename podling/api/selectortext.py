"""Label and field selectors as kubectl and the query write them.

Source of rules and words: k8s.io/apimachinery/pkg/labels/selector.go and pkg/fields/selector.go.
"""

import re
from collections.abc import Iterator

from podling.api import names
from podling.api.field import show
from podling.api.selectors import Requirement, Selector

_TOKEN = re.compile(r"[ \t\r\n]*(!=|==|[=!<>,()]|[^ \t\r\n=!<>,()]+)")
_OPERATORS = ("in", "notin", "=", "==", "!=", ">", "<")
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_FIELD_OPERATOR = re.compile(r"!=|==?")


class SelectorError(ValueError):
    """The text is no selector."""


def parse_labels(text: str) -> Selector:
    """`app=web,tier in (a, b),!canary`; raises SelectorError."""
    return tuple(_Parser(text).requirements())


class _Parser:
    """Tokens are texts; "" is the end. What begins with no special character is an identifier."""

    def __init__(self, text: str) -> None:
        self.tokens = [found[1] for found in _TOKEN.finditer(text.partition("\0")[0])]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def requirements(self) -> Iterator[Requirement]:
        while first := self.peek():
            if not _begins(first):
                raise SelectorError(f"found '{first}', expected: !, identifier, or 'end of string'")
            try:
                yield self.requirement()
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            following = self.take()
            if following not in ("", ","):
                raise SelectorError(f"found '{following}', expected: ',' or 'end of string'")
            if following and not _begins(self.peek()):
                raise SelectorError(f"found '{self.peek()}', expected: identifier after ','")

    def requirement(self) -> Requirement:
        key = self.take()
        absent = key == "!"
        if absent:
            key = self.take()
        if not _identifies(key):
            raise SelectorError(f"found '{key}', expected: identifier")
        if wrong := names.qualified(key):
            raise SelectorError(f"<nil>: Invalid value: {show(key)}: {'; '.join(wrong)}")
        if absent or self.peek() in ("", ","):
            return Requirement(key, "!" if absent else "exists")
        operator = self.take()
        if operator not in _OPERATORS:
            raise SelectorError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        values = self.values() if operator in ("in", "notin") else (self.value(),)
        _check(key, operator, values)
        return Requirement(key, "=" if operator == "==" else operator, values)

    def value(self) -> str:
        if self.peek() in ("", ","):
            return ""
        if not _identifies(token := self.take()):
            raise SelectorError(f"found '{token}', expected: identifier")
        return token

    def values(self) -> tuple[str, ...]:
        if (token := self.take()) != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        first = self.peek()
        if first == ")":
            self.take()
            return ("",)
        if first != "," and not _identifies(first):
            raise SelectorError(f"found '{first}', expected: ',', ')' or identifier")
        found: set[str] = set()
        while self.listed(found):
            pass
        self.take()
        return tuple(sorted(found))

    def listed(self, found: set[str]) -> bool:
        """One value or comma of a list; whether more follows."""
        token, following = self.take(), self.peek()
        if _identifies(token):
            found.add(token)
            if following not in (",", ")"):
                raise SelectorError(f"found '{following}', expected: ',' or ')'")
        elif token != ",":
            raise SelectorError(f"found '{token}', expected: ',', or identifier")
        elif not found or following in (",", ")"):
            found.add("")
        return following != ")"


def _identifies(token: str) -> bool:
    return token != "" and token[0] not in "=!<>,()"


def _begins(token: str) -> bool:
    """Can a requirement begin so?"""
    return token == "!" or _identifies(token)


def _check(key: str, operator: str, values: tuple[str, ...]) -> None:
    wrong = []
    if operator in (">", "<") and not (_INTEGER.fullmatch(values[0]) and -(2**63) <= int(values[0]) < 2**63):
        words = "for 'Gt', 'Lt' operators, the value must be an integer"
        wrong.append(f"values[0]: Invalid value: {show(values[0])}: {words}")
    for position, value in enumerate(values):
        if found := names.label_value(value):
            wrong.append(f"values[{position}][{key}]: Invalid value: {show(value)}: {'; '.join(found)}")
    if wrong:
        raise SelectorError(wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")


def parse_fields(text: str) -> Selector:
    """`status.phase!=Running,spec.nodeName=n1`: only =, == and !=; a backslash escapes `,`, `=` and itself. Raises
    SelectorError."""
    return tuple(_field(term, text) for term in sorted(_terms(text)) if term)


def _terms(text: str) -> Iterator[str]:
    start, escaped = 0, False
    for position, letter in enumerate(text):
        if letter == "," and not escaped:
            yield text[start:position]
            start = position + 1
        escaped = letter == "\\" and not escaped
    yield text[start:]


def _field(term: str, text: str) -> Requirement:
    found = _FIELD_OPERATOR.search(term)
    if found is None:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
    operator = "!=" if found[0] == "!=" else "="
    return Requirement(term[: found.start()], operator, (_unescaped(term[found.end() :]),))


def _unescaped(text: str) -> str:
    value, escaped = "", False
    for letter in text:
        if escaped and letter not in "\\,=":
            raise SelectorError(f"invalid field selector: invalid escape sequence: \\{letter}")
        if not escaped and letter in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(letter)}")
        escaped = letter == "\\" and not escaped
        value += "" if escaped else letter
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return value
