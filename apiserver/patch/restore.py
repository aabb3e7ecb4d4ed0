"""A merged object as its type holds it. Merging puts maps, lists and scalars anywhere, and numbers may be whole floats.

Source of rules and words: k8s.io/apimachinery/pkg/runtime/converter.go, which turns the merged map into the typed
object. What has a text form of its own (times, quantities) is left to decoding, but for wrong JSON types.
"""

from typing import Any

from apiserver.patch.gotext import go_kind, json_kind
from apiserver.schema import scalars
from apiserver.schema.schema import Schema
from apiserver.schema.shape import Mismatch

GO_KINDS = {"string": "string", "boolean": "bool", "number": "float64"}
TIMES = ("date-time", "micro-time")


def restore(value: Any, schema: Schema | None, go_type: str = "") -> Any:
    """`value` in its type, changed in place where it is a map or a list; raises Mismatch. `go_type` is the name of the
    type where it has one of its own: `v1.PullPolicy`."""
    if value is None or schema is None or schema.type == "" or schema.format == "quantity":
        return value
    if schema.type == "object":
        return _object(value, schema)
    if schema.type == "array":
        if not isinstance(value, list):
            raise Mismatch(f"cannot restore slice from {go_kind(value)}")
        value[:] = [restore(item, schema.items, go_type.removeprefix("[]")) for item in value]
        return value
    if schema.format == "byte":
        return _bytes(value)
    if schema.format in TIMES:
        return value if isinstance(value, str) else _unmarshalled(value, "string")
    if schema.format == "int-or-string":
        return value if isinstance(value, str) else _int32(value)
    return _scalar(value, schema, go_type)


def _object(value: Any, schema: Schema) -> Any:
    if not schema.fields and schema.values is None:
        return value
    if not isinstance(value, dict):
        what = "map from" if schema.values else "struct from:"
        raise Mismatch(f"cannot restore {what} {go_kind(value)}")
    for key in sorted(value):
        field = schema.fields.get(key)
        value[key] = restore(value[key], field.schema if field else schema.values, field.go_type if field else "")
    return value


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        raise Mismatch(f"cannot restore slice from {go_kind(value)}")
    try:
        scalars.base64_text(value)
    except ValueError as wrong:
        raise Mismatch(f"error decoding from json: {wrong}") from None
    return value


def _int32(value: Any) -> Any:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(whole) is int and -(2**31) <= whole < 2**31:
        return whole
    return _unmarshalled(whole, "int32")


def _unmarshalled(value: Any, go_type: str) -> Any:
    number = f" {value}" if go_type == "int32" and json_kind(value) == "number" else ""
    raise Mismatch(f"json: cannot unmarshal {json_kind(value)}{number} into Go value of type {go_type}")


def _scalar(value: Any, schema: Schema, go_type: str) -> Any:
    kind = GO_KINDS.get(schema.type) or ("int64" if schema.format == "int64" else "int32")
    given = go_kind(value)
    if given == kind or (given == "int64" and schema.type in ("integer", "number")):
        return value
    if given == "float64" and schema.type == "integer":
        if value.is_integer():
            return int(value)
        raise Mismatch(f"cannot convert float64 to {kind}")
    if given == "int64" and kind == "string":  # which Go could do, and JSON has not
        raise Mismatch(f"cannot convert int64 to {go_type or kind}")
    raise Mismatch(f"unrecognized type: {kind}")
