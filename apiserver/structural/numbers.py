"""The limits of numbers. Source: k8s.io/kube-openapi/pkg/validation/validate/values.go."""

import math
from typing import Any

from apiserver.patch.gotext import go_float
from apiserver.structural.node import Props
from apiserver.structural.result import Result, Step, invalid, whole

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_FLOAT32 = 3.4028234663852886e38
_EXACT = 2**53 - 1
_NEAR = 1e-9


def number_step(props: Props) -> Step | None:
    most, least, factor = props.get("maximum"), props.get("minimum"), props.get("multipleOf")
    above, below = bool(props.get("exclusiveMaximum")), bool(props.get("exclusiveMinimum"))
    kind, form = props.get("type"), props.get("format") or ""
    if most is None and least is None and factor is None and form not in ("int32", "float"):
        return None

    def step(value: Any, path: str, _old: Any) -> Result:
        result = Result(passed=1)
        if not _fits(value, kind, form):
            result.add(whole(f"Checked value must be of type {kind} with format {form} in {path}"))
        if factor is not None and not _multiple(value, factor):
            result.add(invalid(path, value, f"should be a multiple of {_shown(factor, value)}"))
        if least is not None and (value < least or (below and value == least)):
            words = "greater than" if below else "greater than or equal to"
            result.add(invalid(path, value, f"should be {words} {_shown(least, value)}"))
        if most is not None and (value > most or (above and value == most)):
            words = "less than" if above else "less than or equal to"
            result.add(invalid(path, value, f"should be {words} {_shown(most, value)}"))
        return result

    return step


def is_integral(value: float) -> bool:
    """Whether a number with a fraction counts as an integer: its error is that of floating point."""
    if math.isnan(value) or math.isinf(value) or abs(value) > _EXACT:
        return False
    near = float(int(value))
    return value == near or abs(value - near) / (abs(value) + abs(near)) < _NEAR


def _fits(value: float, kind: str | None, form: str) -> bool:
    if kind == "integer" and form in _RANGES and value == int(value):
        return _RANGES[form][0] <= value <= _RANGES[form][1]
    return not (kind == "number" and form == "float") or abs(value) <= _FLOAT32


def _multiple(value: float, factor: float) -> bool:
    if factor == 0:
        return True
    if isinstance(value, int) and factor == int(factor):
        return value % int(factor) == 0
    return is_integral(1 / factor * value if factor < 1 else value / factor)


def _shown(limit: float, value: float) -> str:
    """A limit as Go prints it beside a value of this type."""
    return str(int(limit)) if isinstance(value, int) and limit == int(limit) else go_float(float(limit))
