"""Types of our schemas, so that expressions over built-in objects are checked against their fields.

Source: k8s.io/apiserver/pkg/cel/common/schemas.go.
"""

from functools import partial

from apiserver.cel.types import BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, CelType, List, Map, Object
from apiserver.schema.schema import Schema

_FORMATS = {"byte": BYTES, "date-time": TIMESTAMP, "micro-time": TIMESTAMP, "date": TIMESTAMP, "duration": DURATION,
            "quantity": DYN, "int-or-string": DYN}  # fmt: skip
_SIMPLE = {"boolean": BOOL, "integer": INT, "number": DOUBLE}
_known: dict[int, tuple[Schema, CelType]] = {}


def type_of(schema: Schema) -> CelType:
    """The same for the same schema, so that what was compiled for it is found again."""
    if id(schema) not in _known:
        _known[id(schema)] = (schema, _made(schema))
    return _known[id(schema)][1]


def _made(schema: Schema) -> CelType:
    if schema.type == "string":
        return _FORMATS.get(schema.format, STRING)
    if schema.type == "array":
        return List(type_of(schema.items) if schema.items else DYN)
    if schema.type == "object" and schema.values is not None:
        return Map(type_of(schema.values))
    if schema.type == "object" and schema.fields:
        return Object(partial(_fields, schema), schema.name or "object")
    return _SIMPLE.get(schema.type, DYN)


def _fields(schema: Schema) -> dict[str, CelType]:
    return {name: type_of(field.schema) for name, field in schema.fields.items()}
