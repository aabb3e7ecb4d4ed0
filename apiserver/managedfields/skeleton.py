"""The empty object that a new one is compared with.

In Kubernetes it is a Go struct. What Go writes of an empty struct is there from the start: fields that are structs
themselves (not pointers), null lists, zeros that are never left out. So a create does not own `.spec` itself, only
what is in it. Custom resources start from nothing.
"""

from typing import Any

from apiserver.schema.schema import Field, Schema

Object = dict[str, Any]

ZEROS: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def skeleton(new: Any, schema: Schema) -> Object:
    """The empty object of `new`'s type, as far as `new` fills it."""
    if not schema.name or not isinstance(new, dict):
        return {}
    found: Object = {}
    for name, field in schema.fields.items():
        if name not in new:
            continue
        if field.absent == "struct" or (field.required and field.schema.fields):
            found[name] = skeleton(new[name], field.schema)
        elif field.required or field.absent in ("null", "zero"):
            found[name] = _zero(field)
    return found


def _zero(field: Field) -> Any:
    if field.absent == "null" or field.schema.format in ("date-time", "micro-time"):
        return None
    return ZEROS.get(field.schema.type)
