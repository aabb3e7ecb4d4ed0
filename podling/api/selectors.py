"""Label and field selectors: `app=web,tier in (a, b),!canary` and `status.phase!=Running,spec.nodeName=n1`.

Source: k8s.io/apimachinery/pkg/labels and /fields. A selector is a tuple of requirements that all must hold.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

_TOKEN = re.compile(r"\s*(!=|==|=|>|<|!|,|\(|\)|[^\s!=<>,()]+)")
_NAME = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)")
_WORDS = {"in", "notin"}


class SelectorError(ValueError):
    """The text is no selector."""


class Requirement(NamedTuple):
    """`operator` is =, !=, in, notin, exists, !, > or <; `values` is empty for exists and !."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        has = self.key in labels
        match self.operator:
            case "=" | "==" | "in":
                return has and labels[self.key] in self.values
            case "!=" | "notin":
                return not has or labels[self.key] not in self.values
            case "exists":
                return has
            case "!":
                return not has
            case _:
                return has and _compares(self.operator, labels[self.key], self.values[0])


Selector = tuple[Requirement, ...]


def _compares(operator: str, found: str, bound: str) -> bool:
    try:
        return int(found) > int(bound) if operator == ">" else int(found) < int(bound)
    except ValueError:
        return False


def matches(selector: Iterable[Requirement], labels: Mapping[str, str] | None) -> bool:
    return all(requirement.matches(labels or {}) for requirement in selector)


def matcher(selector: Selector) -> Callable[[Mapping[str, str]], bool]:
    """The selector as one function, for those who ask it of thousands."""
    tests = [_test(requirement) for requirement in selector]
    if len(tests) == 1:
        return tests[0]

    def every(labels: Mapping[str, str]) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(labels):
                return False
        return True

    return every


def _test(requirement: Requirement) -> Callable[[Mapping[str, str]], bool]:
    key, operator, values = requirement
    if operator in ("=", "==") and len(values) == 1:
        return lambda labels: labels.get(key) == values[0]
    if operator == "!=" and len(values) == 1:
        return lambda labels: labels.get(key) != values[0]
    return requirement.matches


def parse_labels(text: str) -> Selector:
    """A label selector as kubectl and the query write it; raises `SelectorError`."""
    return tuple(_Parser(text).requirements())


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def requirements(self) -> Iterable[Requirement]:
        if self.peek() and not _begins(self.peek()):
            raise SelectorError(f"found '{self.peek()}', expected: !, identifier, or 'end of string'")
        while self.peek():
            try:
                yield self.requirement()
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            if self.peek() == ",":
                self.take()
                if not _begins(self.peek()):
                    raise SelectorError(f"found '{self.peek()}', expected: identifier after ','")
            elif self.peek():
                raise SelectorError(f"found '{self.peek()}', expected: ',' or 'end of string'")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def requirement(self) -> Requirement:
        absent = self.peek() == "!"
        if absent:
            self.take()
        key = self.key()
        if absent or self.peek() in ("", ","):
            return Requirement(key, "!" if absent else "exists")
        operator = self.take()
        if operator in _WORDS:
            return Requirement(key, operator, self.values(key))
        if operator not in ("=", "==", "!=", ">", "<"):
            raise SelectorError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        value = "" if self.peek() in ("", ",") else self.take()
        if operator in (">", "<") and not re.fullmatch(r"[-+]?\d+", value):
            words = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise SelectorError(f'values[0]: Invalid value: "{value}": {words}')
        return Requirement(key, "=" if operator == "==" else operator, (_value(value, key, 0),))

    def key(self) -> str:
        key = self.take()
        if not key or key in "!=<>,()":
            raise SelectorError(f"found '{key}', expected: !, identifier, or 'end of string'")
        prefix, slash, name = key.rpartition("/")
        if not _NAME.fullmatch(name) or len(name) > 63 or (slash and not prefix):
            raise SelectorError(f'<nil>: Invalid value: "{key}": {LABEL_KEY}')
        return key

    def values(self, key: str) -> tuple[str, ...]:
        if (token := self.take()) != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        values: list[str] = []
        while (token := self.take()) != ")":
            if not token:
                raise SelectorError("found '', expected: ',' or ')'")
            if token != ",":
                values.append(_value(token, key, len(values)))
            elif self.peek() == ")":
                values.append("")
        return tuple(sorted(set(values)))


LABEL_KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def _begins(token: str) -> bool:
    """Can a requirement begin so?"""
    return bool(token) and (token == "!" or (token not in "=<>,()" and token not in ("==", "!=")))


def _value(value: str, key: str, position: int) -> str:
    if value and (not _NAME.fullmatch(value) or len(value) > 63):
        raise SelectorError(f'values[{position}][{key}]: Invalid value: "{value}": {LABEL_VALUE}')
    return value


def _tokens(text: str) -> list[str]:
    return [found[1] for found in _TOKEN.finditer(text)]


def from_object(selector: Any) -> Selector:
    """A LabelSelector object, as JSON data or typed: matchLabels and matchExpressions; {} selects everything."""
    data = selector if isinstance(selector, Mapping) else selector.to_dict()
    wanted = [Requirement(key, "=", (value,)) for key, value in (data.get("matchLabels") or {}).items()]
    for expression in data.get("matchExpressions") or ():
        wanted.append(from_expression(expression))
    return tuple(wanted)


_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": ">", "Lt": "<"}


def from_expression(expression: Mapping[str, Any]) -> Requirement:
    """One of matchExpressions: {key, operator, values}, node affinity's Gt and Lt included."""
    operator = _OPERATORS[expression["operator"]]
    return Requirement(expression["key"], operator, tuple(expression.get("values") or ()))


def parse_fields(text: str) -> Selector:
    """A field selector: only =, == and !=; a backslash escapes `,`, `=` and itself; raises `SelectorError`."""
    wanted = []
    for term in re.split(r"(?<!\\),", text):
        if not term:
            continue
        found = re.fullmatch(r"((?:[^=!\\]|\\.)*)(==|=|!=)((?:[^\\]|\\.)*)", term, re.DOTALL)
        if not found:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        key, operator, value = found.groups()
        value = re.sub(r"\\(.)", r"\1", value)
        wanted.append(Requirement(key, "!=" if operator == "!=" else "=", (value,)))
    return tuple(wanted)
