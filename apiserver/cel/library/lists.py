"""`isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`. Source: apiserver/pkg/cel/library/lists.go."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function

COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
SUMMABLE = ("int", "uint", "double", "duration")


def _comparing(run: Callable[..., Any]) -> Callable[..., Any]:
    def compare(values: list[Any]) -> Any:
        try:
            return run([bytes(value) if isinstance(value, bytearray) else value for value in values])
        except TypeError:
            raise EvalError("no such overload") from None

    return compare


@_comparing
def _is_sorted(values: list[Any]) -> bool:
    return all(not before > after for before, after in pairwise(values))


@_comparing
def _sum(values: list[Any]) -> Any:
    if any(isinstance(value, str | bytes | bool) for value in values):
        raise EvalError("no such overload")
    return sum(values, timedelta(0)) if values and isinstance(values[0], timedelta) else sum(values)


@_comparing
def _min(values: list[Any]) -> Any:
    if not values:
        raise EvalError("min called on empty list")
    return min(values)


@_comparing
def _max(values: list[Any]) -> Any:
    if not values:
        raise EvalError("max called on empty list")
    return max(values)


def _index_of(values: list[Any], wanted: Any) -> int:
    return next((place for place, value in enumerate(values) if _equal(value, wanted)), -1)


def _last_index_of(values: list[Any], wanted: Any) -> int:
    return next((place for place in range(len(values) - 1, -1, -1) if _equal(values[place], wanted)), -1)


def _equal(one: Any, other: Any) -> bool:
    """`true` is not 1 here."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


FUNCTIONS: tuple[Function, ...] = (
    *(function(f"list<{kind}>.isSorted() -> bool", _is_sorted) for kind in COMPARABLE),
    *(function(f"list<{kind}>.sum() -> {kind}", _sum) for kind in SUMMABLE),
    *(function(f"list<{kind}>.min() -> {kind}", _min) for kind in COMPARABLE),
    *(function(f"list<{kind}>.max() -> {kind}", _max) for kind in COMPARABLE),
    function("list<dyn>.indexOf(dyn) -> int", _index_of),
    function("list<dyn>.lastIndexOf(dyn) -> int", _last_index_of),
)
