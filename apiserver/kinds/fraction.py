"""Fields that hold a number or a percentage: maxSurge, minAvailable. Pure.

Source: kubernetes/pkg/apis/apps/validation, ValidatePositiveIntOrPercent, IsNotMoreThan100Percent.
"""

import re

from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import parse

_PERCENT = re.compile("[0-9]+%")
PERCENT_WORDS = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
NEGATIVE = "must be greater than or equal to 0"


def validate_fraction(value: object, path: Path) -> ErrorList:
    """Not negative, and where it is a string a percentage."""
    if isinstance(value, str):
        return [] if _PERCENT.fullmatch(value) else [field.invalid(path, value, PERCENT_WORDS)]
    return validate_not_negative(value, path)


def validate_at_most_all(value: object, path: Path) -> ErrorList:
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        return [field.invalid(path, value, "must not be greater than 100%")]
    return []


def validate_not_negative(value: object, path: Path) -> ErrorList:
    """Of a number, or of a quantity as it is written."""
    negative = parse(value).nanos < 0 if isinstance(value, str) else isinstance(value, int) and value < 0
    return [field.invalid(path, value, NEGATIVE)] if negative else []


def amount(value: object) -> int:
    """The number before the percent sign, or the number; what cannot be read counts as none."""
    text = str(value if value is not None else 0).removesuffix("%")
    return int(text) if re.fullmatch("-?[0-9]+", text) else 0
