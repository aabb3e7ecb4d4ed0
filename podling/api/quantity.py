"""Quantities: `500m`, `1Gi`, `1e3`. Source: k8s.io/apimachinery/pkg/api/resource.

A quantity is a number of nanos (1e-9), rounded up, with the family of suffixes that it was written in; the canonical
form has no fraction and the largest suffix that keeps it whole.
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import NamedTuple

_FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)([A-Za-z]*)([+-]?\d*)")
WHOLE = _NANO = 10**9  # nanos of one
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_MOST = (2**63 - 1) * _NANO

MALFORMED = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
UNKNOWN_SUFFIX = "unable to parse quantity's suffix"


class QuantityError(ValueError):
    """The text is no quantity; the message is Kubernetes'."""


class Quantity(NamedTuple):
    nanos: int
    family: str  # "decimal", "binary" or "exponent"

    def __str__(self) -> str:
        return _format(self)

    @property
    def value(self) -> int:
        """Whole units, rounded up: bytes of memory, cores."""
        return -(-self.nanos // _NANO)

    @property
    def milli(self) -> int:
        """Thousandths, rounded up: milli-cpus."""
        return -(-self.nanos * 1000 // _NANO)


@lru_cache(maxsize=4096)  # a cluster's pods ask for the same few amounts
def parse(text: str | int | float) -> Quantity:
    """Raises `QuantityError`."""
    found = _FORM.fullmatch(str(text))
    if not found:
        raise QuantityError(MALFORMED)
    sign, number, suffix, exponent = found.groups()
    family, scale = _scale(suffix, exponent)
    nanos = int((Decimal(number) * scale * _NANO).to_integral_value(ROUND_CEILING))
    nanos = min(nanos, _MOST)
    return Quantity(-nanos if sign == "-" else nanos, family)


def _scale(suffix: str, exponent: str) -> tuple[str, Decimal]:
    if not exponent and suffix in _DECIMAL:
        return "decimal", Decimal(1000) ** _DECIMAL[suffix]
    if not exponent and suffix in _BINARY:
        return "binary", Decimal(1024) ** _BINARY[suffix]
    if suffix in ("e", "E") and exponent.lstrip("+-"):
        power = int(exponent)
        if abs(power) <= 64:
            return "exponent", Decimal(10) ** power
    raise QuantityError(UNKNOWN_SUFFIX)


def _format(quantity: Quantity) -> str:
    nanos, family = quantity
    if nanos == 0:
        return "0"
    if family == "binary" and nanos % _NANO == 0 and abs(nanos) >= 1024 * _NANO:
        number, power = _shrink(nanos // _NANO, 1024, 0, 6)
        return f"{number}{_BINARY_SUFFIX[power]}" if power else str(number)
    number, power = _shrink(nanos, 1000, -3, 6)
    if family == "exponent":
        return f"{number}e{power * 3}" if power else str(number)
    return f"{number}{_DECIMAL_SUFFIX[power]}"


def _shrink(number: int, base: int, power: int, most: int) -> tuple[int, int]:
    while power < most and number % base == 0:
        number, power = number // base, power + 1
    return number, power


def canonical(text: str | int | float) -> str:
    """`1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`."""
    return str(parse(text))
