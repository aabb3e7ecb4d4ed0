"""JSON as the engine takes it: numbers, times and durations are what their type says they are, fields have the names
that expressions use. What already is right goes as it is, without a copy.

Source: k8s.io/apiserver/pkg/cel/common/values.go.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from apiserver.cel.errors import EvalError
from apiserver.cel.types import BYTES, DOUBLE, DURATION, TIMESTAMP, CelType, List, Map, Object

Convert = Callable[[Any], Any]

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ns|us|µs|ms|s|m|h|d|w)")
_SECOND = 10**9
_NANOS = {"ns": 1, "us": 1000, "µs": 1000, "ms": 10**6, "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND,
          "d": 86400 * _SECOND, "w": 7 * 86400 * _SECOND}  # fmt: skip


def converter(kind: CelType) -> Convert | None:
    """What makes a value of this type of JSON; None where JSON will do."""
    return _converter(kind, {})


def _converter(kind: CelType, known: dict[int, list[Convert | None]]) -> Convert | None:
    if isinstance(kind, List):
        inner = _converter(kind.of, known)
        return _each(inner) if inner else None
    if isinstance(kind, Map):
        inner = _converter(kind.values, known)
        return _values(inner) if inner else None
    if isinstance(kind, Object):
        return _object(kind, known)
    return {DOUBLE: _double, TIMESTAMP: _timestamp, DURATION: _duration, BYTES: _bytes}.get(kind)


def _each(inner: Convert) -> Convert:
    return lambda value: [inner(each) for each in value] if isinstance(value, list) else value


def _values(inner: Convert) -> Convert:
    return lambda value: {key: inner(each) for key, each in value.items()} if isinstance(value, dict) else value


def _object(kind: Object, known: dict[int, list[Convert | None]]) -> Convert | None:
    if id(kind) in known:  # it holds itself: what is being made will be used, whatever it is
        later = known[id(kind)]
        return lambda value: later[0](value) if later and later[0] else value
    slot: list[Convert | None] = []
    known[id(kind)] = slot
    plans = {name: (field, _converter(type_, known)) for field, (name, type_) in kind.fields.items()}
    plain = all(field == name and inner is None for name, (field, inner) in plans.items())
    slot.append(None if plain else _fields(plans))
    return slot[0]


def _fields(plans: Mapping[str, tuple[str, Convert | None]]) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = {}
        for name, each in value.items():
            field, inner = plans.get(name, (name, None))
            made[field] = inner(each) if inner and each is not None else each
        return made

    return convert


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _bytes(value: Any) -> Any:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else value
    except binascii.Error as error:
        raise EvalError(f"Invalid byte formatted string {value}: {error}") from None


def _timestamp(value: Any) -> Any:
    """RFC 3339, or a date."""
    if not isinstance(value, str):
        return value
    try:
        made = Timestamp()
        if found := _TIME.fullmatch(value):
            made.FromJsonString(f"{found[1]}T{found[2]}{(found[3] or '')[:10]}{found[4].upper()}")
        else:
            made.FromDatetime(datetime.fromisoformat(value))
        return made
    except ValueError as error:
        raise EvalError(f"Invalid date-time formatted string {value}: {error}") from None


def _duration(value: Any) -> Any:
    """Go's `1h30m`, with days and weeks."""
    if not isinstance(value, str):
        return value
    text = value.removeprefix("-")
    parts = _PART.findall(text)
    if "".join(f"{number}{unit}" for number, unit in parts) != re.sub(r"\s", "", text) or not parts:
        if text == "0":
            return Duration()
        raise EvalError(f"Invalid duration {value}: unable to parse {value} as duration")
    nanos = int(sum(Decimal(number) * _NANOS[unit] for number, unit in parts)) * (-1 if value.startswith("-") else 1)
    made = Duration()
    made.FromNanoseconds(nanos)
    return made
