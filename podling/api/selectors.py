"""What labels and fields are selected by: a tuple of requirements that all must hold.

Source: k8s.io/apimachinery/pkg/labels and /fields.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


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
