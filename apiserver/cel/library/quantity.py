"""Amounts: `quantity('1.5Gi')`. Source: apiserver/pkg/cel/library/quantity.go. The text of a value is its nanos."""

from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function
from apiserver.cel.types import QUANTITY, Opaque
from podling.api import quantity

_LARGEST = (2**63 - 1) * quantity.WHOLE


def _of(nanos: int) -> Opaque:
    return Opaque(QUANTITY.name, str(nanos))


def _parse(text: str) -> Opaque:
    try:
        return _of(quantity.parse(text).nanos)
    except quantity.QuantityError as error:
        raise EvalError(str(error)) from None


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except quantity.QuantityError:
        return False
    return True


def _nanos(value: Opaque | int) -> int:
    return int(value.text) if isinstance(value, Opaque) else value * quantity.WHOLE


def _sign(value: Opaque) -> int:
    return _compare(value, 0)


def _compare(one: Opaque, other: Opaque | int) -> int:
    return (_nanos(one) > _nanos(other)) - (_nanos(one) < _nanos(other))


def _is_integer(value: Opaque) -> bool:
    return _nanos(value) % quantity.WHOLE == 0 and abs(_nanos(value)) < _LARGEST


def _as_integer(value: Opaque) -> int:
    if not _is_integer(value):
        raise EvalError("cannot convert value to integer")
    return _nanos(value) // quantity.WHOLE


FUNCTIONS: tuple[Function, ...] = (
    function("quantity(string) -> Quantity", _parse),
    function("isQuantity(string) -> bool", _is_quantity),
    function("sign(Quantity) -> int", _sign),
    function("Quantity.sign() -> int", _sign),
    function("Quantity.isGreaterThan(Quantity) -> bool", lambda one, other: _compare(one, other) > 0),
    function("Quantity.isLessThan(Quantity) -> bool", lambda one, other: _compare(one, other) < 0),
    function("Quantity.compareTo(Quantity) -> int", _compare),
    function("Quantity.asApproximateFloat() -> double", lambda value: _nanos(value) / quantity.WHOLE),
    function("Quantity.asInteger() -> int", _as_integer),
    function("Quantity.isInteger() -> bool", _is_integer),
    *(
        function(f"Quantity.{name}({other}) -> Quantity", run)
        for other in ("Quantity", "int")
        for name, run in (
            ("add", lambda one, other: _of(_nanos(one) + _nanos(other))),
            ("sub", lambda one, other: _of(_nanos(one) - _nanos(other))),
        )
    ),
)
