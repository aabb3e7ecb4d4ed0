"""Schemas as OpenAPI writes them: `definitions` of version 2, `components.schemas` of version 3. Pure.

Source of shapes: k8s.io/kube-openapi, and the documents that Kubernetes 1.36 publishes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apiserver.schema.load import INT_OR_STRING, QUANTITY, RAW, TIME, schema
from apiserver.schema.schema import Field, Schema
from apiserver.schema.shape import zero

Document = dict[str, Any]

GVK = "x-kubernetes-group-version-kind"
V2, V3 = "#/definitions/", "#/components/schemas/"
_FORMATS = {"date-time": "date-time", "micro-time": "date-time", "byte": "byte", "int-or-string": "int-or-string"}
_NUMBERS = {"int32", "int64", "double"}


def definitions(
    roots: Iterable[Schema], kinds: Mapping[str, list[Document]], prefix: str
) -> Iterator[tuple[str, Document]]:
    """`roots` and all types under them, each once. `kinds` are the groups, versions and kinds of a name."""
    told: set[str] = set()
    for root in roots:
        waiting = [root]
        while waiting:
            each = waiting.pop()
            if not each.name or each.name in told:
                waiting += _inner(each)
                continue
            told.add(each.name)
            made = each.publish(prefix) if each.publish else _definition(each, prefix)
            yield each.name, {**made, GVK: kinds[each.name]} if each.name in kinds else made
            waiting += [field.schema for field in each.fields.values()]


def _inner(each: Schema) -> list[Schema]:
    return [item for item in (each.items, each.values) if item is not None]


def _definition(each: Schema, prefix: str) -> Document:
    """A named type."""
    if each.name == QUANTITY.name:
        made: Document = {"oneOf": [{"type": "string"}, {"type": "number"}]} if prefix == V3 else {"type": "string"}
        return {"description": QUANTITY_WORDS, **made}
    if each.name == INT_OR_STRING.name:
        made = {"oneOf": [{"type": "integer"}, {"type": "string"}]} if prefix == V3 else {"type": "string"}
        return {"description": INT_OR_STRING_WORDS, "format": "int-or-string", **made}
    if each.type == "string":
        words = TIME_WORDS if each.name == TIME.name else MICRO_TIME_WORDS
        return {"description": words, "type": "string", "format": "date-time"}
    made = {"description": each.description or (RAW_WORDS if each.name == RAW.name else ""), "type": "object"}
    if each.fields:
        made["properties"] = {name: _property(field, prefix) for name, field in each.fields.items()}
    required = sorted(name for name, field in each.fields.items() if field.required)
    if required:
        made["required"] = required
    if each.map_type:
        made["x-kubernetes-map-type"] = each.map_type
    return made


def _property(field: Field, prefix: str) -> Document:
    made = _reference(field.schema, prefix)
    if "$ref" in made and prefix == V3:
        made = {"allOf": [made]}
        if field.absent == "struct" or (field.required and field.schema.fields):
            made["default"] = {}
    elif field.required and not field.pointer and field.schema.type in _ZEROS and prefix == V3:
        made["default"] = _ZEROS[field.schema.type]
    if prefix == V3 and _comes_as_null(field):
        made["nullable"] = True
    if field.description:
        made["description"] = field.description
    if field.enum and prefix == V3:
        made["enum"] = list(field.enum)
    for key, value in (
        ("x-kubernetes-list-type", field.list_type),
        ("x-kubernetes-list-map-keys", list(field.list_map_keys)),
        ("x-kubernetes-patch-strategy", field.patch_strategy),
        ("x-kubernetes-patch-merge-key", field.patch_merge_key),
        ("x-kubernetes-map-type", field.map_type),
    ):
        if value:
            made[key] = value
    return made or {"description": ANY_WORDS}  # kubectl explains nothing that says nothing


def _comes_as_null(field: Field) -> bool:
    """Go writes null for a list, a map, a time or a pointer that is never left out. Kubernetes does not tell so."""
    if not field.required and not field.absent:
        return False
    return field.absent == "null" or field.pointer or (field.absent != "struct" and zero(field.schema) is None)


_ZEROS: Mapping[str, Any] = {"string": "", "integer": 0, "boolean": False}


def _reference(each: Schema, prefix: str) -> Document:
    """A type where it is used: by name where it has one."""
    if each.name:
        return {"$ref": prefix + each.name}
    if each.type == "array":
        return {"type": "array", "items": _item(each.items, prefix)}
    if each.type == "object":
        return (
            {"type": "object", "additionalProperties": _item(each.values, prefix)}
            if each.values
            else {"type": "object"}
        )
    made: Document = {"type": each.type} if each.type else {}
    if each.format in _NUMBERS:
        made["format"] = each.format
    elif each.format in _FORMATS:
        made["format"] = _FORMATS[each.format]
    return made


def _item(each: Schema | None, prefix: str) -> Document:
    made = _reference(each, prefix) if each is not None else {}
    if each is None or not made:
        return {"description": ANY_WORDS}
    if prefix != V3:
        return made
    if "$ref" in made:
        return {"allOf": [made], "default": {}} if each.fields else made
    return {**made, "default": _ZEROS[each.type]} if each.type in _ZEROS and not each.format else made


def lists(names: Iterable[str]) -> dict[str, Schema]:
    """The list type of each `core.v1.Pod`, where there is one."""
    found: dict[str, Schema] = {}
    for name in names:
        try:
            found[f"{name}List"] = schema(f"{name}List")
        except KeyError:
            continue
    return found


QUANTITY_WORDS = (
    "Quantity is a fixed-point representation of a number: whole or fractional, with a suffix that scales it. Suffixes "
    "are n, u, m, k, M, G, T, P, E (powers of 1000), Ki, Mi, Gi, Ti, Pi, Ei (powers of 1024), or a decimal exponent. "
    "The canonical form has no fraction and the largest suffix that keeps the number whole."
)
INT_OR_STRING_WORDS = "IntOrString is a number or a string: a port by number or name, a count or a percentage."
TIME_WORDS = "Time is a moment in RFC 3339, to the second."
MICRO_TIME_WORDS = "MicroTime is version of Time with microsecond level precision."
ANY_WORDS = "Any JSON value."
RAW_WORDS = "RawExtension holds an object of any kind as it came."
