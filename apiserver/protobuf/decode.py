"""Bodies in Kubernetes' protobuf, as the JSON objects that they stand for. Pure.

    k8s\\0 + Unknown{typeMeta{apiVersion, kind}, raw} ──▶ {"apiVersion": …, "kind": …, fields of raw}

Go writes every field that is no pointer, empty ones included, and pointers only when they are set: an empty value
counts as absent, but where the schema says that the field is a pointer. Fields that we do not know are dropped, as by
any protobuf reader.
Source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go, protobuf.dev/programming-guides/encoding.
"""

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from apiserver.protobuf.messages import Field, message_name, messages
from apiserver.schema.decode import summary
from apiserver.schema.load import schema
from podling.api.errors import BadRequest
from podling.api.meta import micro_timestamp, timestamp

MAGIC = b"k8s\x00"
DEEPEST = 64  # messages in messages

Object = dict[str, Any]
Wire = tuple[int, int | bytes]


def to_json(body: bytes, api_version: str, kind: str) -> bytes:
    """The same object in JSON; raises `BadRequest` in the words of Kubernetes' decoder. What the path serves is what a
    body is that does not say it."""
    try:
        return json.dumps(_envelope(_content(body), api_version, kind)).encode()
    except (IndexError, struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        why = f"the object provided is unrecognized (must be of type {kind}): {error}"
        raise BadRequest(f"{why} ({summary(body)})") from None


def _content(body: bytes) -> bytes:
    """Raises ValueError."""
    if not body:
        raise ValueError("empty data")
    if not body.startswith(MAGIC):
        words = "provided data does not appear to be a protobuf message"
        raise ValueError(f"{words}, expected prefix [{' '.join(map(str, MAGIC))}]")
    if body == MAGIC:
        raise ValueError("empty body")
    return body[len(MAGIC) :]


def _envelope(body: bytes, served_version: str, served_kind: str) -> Object:
    """Without the fields of a kind that is none: who reads the JSON refuses it."""
    parts = {number: value for number, (_, value) in _fields(body)}
    head = {number: value for number, (_, value) in _fields(_bytes(parts.get(1, b"")))}
    api_version, kind = _bytes(head.get(1, b"")).decode(), _bytes(head.get(2, b"")).decode()
    api_version, kind = api_version or served_version, kind or served_kind
    name = message_name(api_version, kind)
    fields = _message(_bytes(parts.get(2, b"")), name, 0) if name in messages() else {}
    return {"apiVersion": api_version, "kind": kind, **fields}


def _message(body: bytes, name: str, depth: int) -> Object:
    if depth > DEEPEST:
        raise ValueError("exceeded max depth")
    fields = places(name)
    found: Object = {}
    for number, (kind, raw) in _fields(body):
        place = fields.get(number)
        if place is None:
            continue
        field, key = place.field, place.key
        if field.shape == "list":
            found.setdefault(key, []).extend(_elements(field, kind, raw, depth))
        elif field.shape == "map":
            entry = dict(_fields(_bytes(raw)))
            said = _bytes(entry.get(1, (2, b""))[1]).decode()
            empty: Wire = (2, b"") if field.type not in _NUMBERS else (0, 0)
            found.setdefault(key, {})[said] = _value(field.type, entry.get(2, empty)[1], depth)
        else:
            value = _value(field.type, raw, depth)
            if not key:
                found.update(value)
            elif value or _counts(place, value):
                found[key] = value
    return found


class _Place(NamedTuple):
    """Where a field of a message stands in JSON: at `key`; "" where Go embeds a struct, whose fields are then its
    holder's own."""

    field: Field
    key: str
    pointer: bool


def _plain(key: str) -> str:
    """`$ref`, `x-kubernetes-list-type` as protobuf has them."""
    return key.lower().replace("-", "").replace("$", "")


@cache
def places(name: str) -> Mapping[int, _Place]:
    try:
        known = schema(name).fields
    except KeyError:  # a struct that only ever is embedded, and has no schema of its own
        known = {}
    keys = {_plain(key): key for key in known}
    found = {}
    for number, field in messages()[name].items():
        key = keys.get(field.name.lower(), "" if known and field.type in messages() else field.name)
        found[number] = _Place(field, key, key in known and known[key].pointer)
    return found


def _counts(place: _Place, value: Any) -> bool:
    """Whether an empty value was said, not left out."""
    if place.field.type in _CHOICES or place.field.type == "apiextensions.v1.JSON":
        return value is not None
    if isinstance(value, str):
        return False
    return isinstance(value, dict) or place.pointer or place.field.type == "intstr.IntOrString"


def _elements(field: Field, kind: int, raw: int | bytes, depth: int) -> Iterator[Any]:
    """One element, or many numbers packed into one field."""
    if field.type in _NUMBERS and kind == 2:
        body, at = _bytes(raw), 0
        while at < len(body):
            number, at = _varint(body, at)
            yield _value(field.type, number, depth)
    else:
        yield _value(field.type, raw, depth)


_NUMBERS = ("int", "bool", "double")


def _value(type_: str, raw: int | bytes, depth: int) -> Any:
    if type_ == "int":
        number = _int(raw)
        return number - (1 << 64) if number >> 63 else number
    if type_ == "bool":
        return bool(raw)
    if type_ == "double":
        return struct.unpack("<d", _int(raw).to_bytes(8, "little"))[0]
    body = _bytes(raw)
    if type_ == "string":
        return body.decode()
    if type_ == "bytes":
        return base64.b64encode(body).decode()
    special = _SPECIAL.get(type_)
    if special is not None:
        return special({number: value for number, (_, value) in _fields(body)})
    choose = _CHOICES.get(type_)
    if choose is not None:
        return choose(body, depth + 1)
    if type_.endswith(".ExtraValue"):
        return [_bytes(value).decode() for _, (_, value) in _fields(body)]
    return _message(body, type_, depth + 1)


def _time(parts: dict[int, int | bytes]) -> str:
    seconds = _value("int", parts.get(1, 0), 0)
    return timestamp(datetime.fromtimestamp(seconds, UTC)) if parts.get(1) else ""


def _micro_time(parts: dict[int, int | bytes]) -> str:
    if not parts.get(1):
        return ""
    seconds = _value("int", parts[1], 0) + _int(parts.get(2, 0)) / 1e9
    return micro_timestamp(datetime.fromtimestamp(seconds, UTC))


def _int_or_string(parts: dict[int, int | bytes]) -> int | str:
    if parts.get(1):
        return _bytes(parts.get(3, b"")).decode()
    return int(_value("int", parts.get(2, 0), 0))


def _json(parts: dict[int, int | bytes]) -> Any:
    return json.loads(_bytes(parts.get(1, b"")) or b"null")


def _duration(parts: dict[int, int | bytes]) -> str:
    return f"{_value('int', parts.get(1, 0), 0) / 1e9:g}s"


def _quantity(parts: dict[int, int | bytes]) -> str:
    return _bytes(parts.get(1, b"")).decode()


_SPECIAL = {
    "apiextensions.v1.JSON": _json,
    "intstr.IntOrString": _int_or_string,
    "meta.v1.Duration": _duration,
    "meta.v1.FieldsV1": _json,
    "meta.v1.MicroTime": _micro_time,
    "meta.v1.Time": _time,
    "resource.Quantity": _quantity,
    "runtime.RawExtension": _json,
}


def _or_list(body: bytes, depth: int) -> Any:
    """A schema, or a list of them. Source of these three: apiextensions/v1/marshal.go."""
    parts = list(_fields(body))
    many = [_inner(raw, depth) for number, (_, raw) in parts if number == 2]
    return many or next((_inner(raw, depth) for number, (_, raw) in parts if number == 1), None)


def _or_bool(body: bytes, depth: int) -> Any:
    parts = {number: raw for number, (_, raw) in _fields(body)}
    return _inner(parts[2], depth) if 2 in parts else bool(parts.get(1))


def _or_strings(body: bytes, depth: int) -> Any:
    parts = list(_fields(body))
    many = [_bytes(raw).decode() for number, (_, raw) in parts if number == 2]
    return many or next((_inner(raw, depth) for number, (_, raw) in parts if number == 1), None)


def _inner(raw: int | bytes, depth: int) -> Object:
    return _message(_bytes(raw), "apiextensions.v1.JSONSchemaProps", depth)


_CHOICES = {
    "apiextensions.v1.JSONSchemaPropsOrArray": _or_list,
    "apiextensions.v1.JSONSchemaPropsOrBool": _or_bool,
    "apiextensions.v1.JSONSchemaPropsOrStringArray": _or_strings,
}


# The wire.


def _fields(body: bytes) -> Iterator[tuple[int, Wire]]:
    """(field number, (wire type, value)); fixed-width values as integers."""
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(body, at)
            yield number, (kind, value)
            continue
        if kind == 2:
            size, at = _varint(body, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wrong wireType = {kind}")
        if at + size > len(body):
            raise ValueError("unexpected EOF")
        raw = body[at : at + size]
        at += size
        yield number, (kind, raw if kind == 2 else int.from_bytes(raw, "little"))


def _varint(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(body):
            raise ValueError("unexpected EOF")
        if shift > 63:
            raise ValueError("integer overflow")
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & ((1 << 64) - 1), at
        shift += 7


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise ValueError("wrong wireType = 0")
    return raw


def _int(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise ValueError("wrong wireType = 2")
    return raw
