"""Does a patched object still have the shapes of its type? Strategic merge puts maps, lists and scalars anywhere.

Source of rules and words: k8s.io/apimachinery/pkg/runtime/converter.go, which turns the patched map into the typed
object. What has a text form of its own (times, quantities) is left to decoding.
"""

from typing import Any

from apiserver.patch.gotext import go_kind
from apiserver.schema.schema import Schema

GO_KINDS = {"string": "string", "boolean": "bool", "number": "float64"}
OWN_FORMS = ("date-time", "micro-time", "quantity", "int-or-string", "byte")


def mismatch(value: Any, schema: Schema | None) -> str:
    """Why `value` cannot be restored into the type, "" when it can."""
    if value is None or schema is None or schema.type == "" or schema.format in OWN_FORMS:
        return ""
    if schema.type == "object":
        return _object(value, schema)
    if schema.type == "array":
        if not isinstance(value, list):
            return f"cannot restore slice from {go_kind(value)}"
        return next(filter(None, (mismatch(item, schema.items) for item in value)), "")
    return _scalar(value, schema)


def _object(value: Any, schema: Schema) -> str:
    if not schema.fields and schema.values is None:
        return ""
    if not isinstance(value, dict):
        return (
            f"cannot restore map from {go_kind(value)}"
            if schema.values
            else f"cannot restore struct from: {go_kind(value)}"
        )
    for key in sorted(value):
        field = schema.fields.get(key)
        inner = field.schema if field else schema.values
        if why := mismatch(value[key], inner):
            return why
    return ""


def _scalar(value: Any, schema: Schema) -> str:
    wanted = GO_KINDS.get(schema.type) or ("int64" if schema.format == "int64" else "int32")
    given = go_kind(value)
    numbers = ("int64", "float64")
    if given == wanted or (given == "int64" and schema.type in ("integer", "number")):
        return ""
    if given == "float64" and schema.type == "integer":
        return "" if value == int(value) else "cannot convert float64 to " + wanted
    convertible = given in numbers and wanted == "string" and given == "int64"
    return f"cannot convert {given} to {wanted}" if convertible else f"unrecognized type: {wanted}"
