"""The empty object that a new one is compared with.

In Kubernetes it is a Go struct. What Go writes of an empty struct is there from the start: fields that are structs
themselves (not pointers), null lists, zeros that are never left out. So a create does not own `.spec` itself, only
what is in it. Custom resources start from nothing.
"""

from functools import lru_cache
from typing import Any

from apiserver.schema.schema import Schema

Object = dict[str, Any]

ZEROS: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def skeleton(new: Any, schema: Schema) -> Object:
    """The empty object of `new`'s type, as far as `new` fills it."""
    if not isinstance(new, dict):
        return {}
    return {
        name: skeleton(new[name], inner) if inner is not None else zero
        for name, inner, zero in _always_there(schema)
        if name in new
    }


@lru_cache(maxsize=4096)
def _always_there(schema: Schema) -> tuple[tuple[str, Schema | None, Any], ...]:
    """The fields that an empty struct has: the type of a struct, the zero of anything else."""
    found: list[tuple[str, Schema | None, Any]] = []
    for name, field in schema.fields.items() if schema.name else ():
        if field.omitted:
            continue
        if field.absent == "struct" or (field.required and field.schema.fields):
            found.append((name, field.schema, None))
        elif field.absent == "null" or field.schema.format in ("date-time", "micro-time"):
            if field.required or field.absent:
                found.append((name, None, None))
        elif field.required or field.absent == "zero":
            found.append((name, None, ZEROS.get(field.schema.type)))
    return tuple(found)
