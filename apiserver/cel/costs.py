"""What estimating an expression's cost (`estimate.py`) counts in: costs, and sizes of values.

One unit of cost is about 50 ns on the machine that Kubernetes measured on. Sizes are those of `size()`: characters,
items, entries. Neither grows past `MAX`. Source: cel-go's checker/cost.go and common/cost.go.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from podling.pb.expr.expr_pb2 import Expr, Type

MAX = 2**64 - 1
ACROSS = 0.1  # of looking at one character
PATTERN = 0.25  # of one character of a regular expression, for each character that it is asked of
LIST, MAP, MESSAGE = 10, 30, 40  # of making one

Steps = tuple[str, ...]  # a way from a variable: ("self", "ports", "@items", "name")


def add(*numbers: int) -> int:
    return min(sum(numbers), MAX)


def times(one: int, other: int) -> int:
    return min(one * other, MAX)


def scaled(number: int, factor: float) -> int:
    """Rounded up."""
    made = float(number) * factor
    return MAX if made >= 2.0**64 else math.ceil(made)


class Size(NamedTuple):
    """From how much to how much."""

    least: int
    most: int

    def __or__(self, other: "Size") -> "Size":
        return Size(min(self.least, other.least), max(self.most, other.most))

    def plus(self, other: "Size") -> "Size":
        return Size(add(self.least, other.least), add(self.most, other.most))

    def times(self, other: "Size") -> "Size":
        return Size(times(self.least, other.least), times(self.most, other.most))


UNKNOWN, ONE = Size(0, MAX), Size(1, 1)


class Sizes(Protocol):
    """What is declared of the values at the end of a way."""

    def size(self, path: Steps) -> Size | None: ...

    def kind(self, path: Steps) -> str:
        """As `kind_of` names it, "" where nothing is declared."""


class Operand(NamedTuple):
    """A target or an argument of a call."""

    path: Steps
    type: Type
    expr: Expr
    size: Size | None


class Called(NamedTuple):
    """What a call costs, without its arguments, and how large its result is where that is known."""

    cost: int
    size: Size | None = None


# Functions that cost something else than cel-go thinks, None for all others: by name, target, arguments.
Calls = Callable[[str, Operand | None, Sequence[Operand], Sizes], Called | None]

_PRIMITIVES = {
    Type.BOOL: "bool",
    Type.INT64: "int",
    Type.UINT64: "uint",
    Type.DOUBLE: "double",
    Type.STRING: "string",
    Type.BYTES: "bytes",
}
_KINDS = {"list_type": "list", "map_type": "map", "message_type": "message", "type_param": "param"}
SCALARS = ("bool", "int", "uint", "double", "timestamp", "duration")


def kind_of(kind: Type) -> str:
    match kind.WhichOneof("type_kind"):
        case "primitive":
            return _PRIMITIVES.get(kind.primitive, "dyn")
        case "well_known":
            return {Type.TIMESTAMP: "timestamp", Type.DURATION: "duration"}.get(kind.well_known, "dyn")
        case "abstract_type" if kind.abstract_type.name == "optional_type":
            inner = kind_of(kind.abstract_type.parameter_types[0])
            return inner if inner in SCALARS else "optional"
        case name:
            return _KINDS.get(str(name), "dyn")
