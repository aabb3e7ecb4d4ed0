"""A decoded body in the shape that a round trip through Go's struct gives it: unknown fields gone, empty ones left out,
those that are never absent filled in, quantities and times in canonical form, and a type error where a type is wrong.

A schema becomes a tree of closures on first use (`shaper`); what a value means is decided once, not per object.
Source of rules: encoding/json, sigs.k8s.io/json and the types' tags.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from apiserver.schema import scalars
from apiserver.schema.schema import Field, Schema
from apiserver.schema.text import Doubled, Float, plain
from podling.api.quantity import QuantityError


class Mismatch(Exception):
    """A value of the wrong type; the message is Go's. `found`: what the value is, and the type it should have."""

    found: tuple[str, str] | None = None


class Where(NamedTuple):
    """The way to a value, innermost first; `struct` is the Go struct that holds it, "" in lists and maps."""

    outer: "Where | None"
    label: str | int
    struct: str = ""
    embedded: str = ""


class Notes(list[str]):
    """What there is to say of a body: `unknown field "spec.foo"`, in its order; and the lists and maps that were given
    empty and are left out (`apiserver/schema/empties.py`)."""

    __slots__ = ("empties",)

    def __init__(self) -> None:
        self.empties: list[tuple[Where, Any]] = []


Shaper = Callable[[Any, Where | None, Notes], Any]

_MOST = {"int32": 2**31, "int64": 2**63}
_shapers: dict[int, tuple[Schema, Shaper]] = {}


def shaper(schema: Schema) -> Shaper:
    if schema.shape is not None:
        return schema.shape
    found = _shapers.get(id(schema))
    if found is None:
        made: Shaper = _make(schema)
        _shapers[id(schema)] = found = (schema, made)  # the schema is kept, so its id stays its own
    return found[1]


def field_path(where: Where | None) -> str:
    """`spec.containers[0].name`"""
    text = ""
    while where is not None:
        part = f"[{where.label}]" if isinstance(where.label, int) else f".{where.label}"
        text = part + text
        where = where.outer
    return text.removeprefix(".")


def way(where: Where | None) -> list[str | int]:
    """`["spec", "containers", 0]`"""
    labels: list[str | int] = []
    while where is not None:
        labels.append(where.label)
        where = where.outer
    return labels[::-1]


def mismatch(value: Any, where: Where | None, go_type: str) -> Mismatch:
    """`json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool`"""
    return _mismatched(_described(value, go_type), where, go_type)


def read_apart(error: Mismatch, where: Where | None) -> Mismatch:
    """The mismatch of a value that its type reads by itself: Go tells where that type is held, and no deeper."""
    return _mismatched(error.found[0], where, error.found[1]) if error.found else error


def _mismatched(words: str, where: Where | None, go_type: str) -> Mismatch:
    struct = ""
    path: list[str] = []
    while where is not None:
        if where.struct:
            struct = struct or where.struct
            path.insert(0, str(where.label))
            if where.embedded:
                path.insert(0, where.embedded)
        where = where.outer
    target = f"Go struct field {struct}.{'.'.join(path)}" if struct else "Go value"
    made = Mismatch(f"json: cannot unmarshal {words} into {target} of type {go_type}")
    made.found = words, go_type
    return made


def _described(value: Any, go_type: str) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        numeric = go_type in ("int32", "int64", "float64")
        return f"number {getattr(value, 'text', value)}" if numeric else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def go_name(schema: Schema) -> str:
    """A type as Go's messages name it."""
    if schema.type == "array":
        return f"[]{go_name(schema.items)}" if schema.items else "[]interface {}"
    if schema.type == "object":
        if schema.name:
            return ".".join(schema.name.split(".")[-2:])
        if schema.values is not None and schema.values.format == "quantity":
            return "v1.ResourceList"
        return f"map[string]{go_name(schema.values)}" if schema.values else "map[string]interface {}"
    if schema.type == "string":
        return {"byte": "[]uint8", "date-time": "v1.Time", "micro-time": "v1.MicroTime"}.get(schema.format, "string")
    if schema.type == "integer":
        return schema.format or "int64"
    return {"boolean": "bool", "number": "float64"}.get(schema.type, "interface {}")


def zero(schema: Schema) -> Any:
    """What Go writes for a value that nobody set."""
    if schema.type == "object":
        return shaper(schema)({}, None, Notes()) if schema.fields else None
    if schema.type == "string":
        known: dict[str, Any] = {"": "", "quantity": "0", "int-or-string": 0}
        return known.get(schema.format)
    return {"integer": 0, "number": 0, "boolean": False}.get(schema.type)


def _make(schema: Schema) -> Shaper:
    if schema.type == "object":
        if schema.values is not None:
            return _map(schema, schema.values)
        return _object(schema) if schema.fields else _free(schema)
    if schema.type == "array" and schema.items is not None:
        return _array(schema, schema.items)
    if schema.type == "string":
        return _FORMATS.get(schema.format) or _string("string")
    if schema.type == "integer":
        return _integer(schema.format or "int64")
    return {"boolean": _boolean, "number": _number}.get(schema.type, _anything)


class _Plan(NamedTuple):
    """One field of an object: how its value is shaped, and whether it stays when it is empty. A value whose type is
    `exact` is in shape; `seen_empty`: it goes, and rules know."""

    shape: Shaper
    keeps_empty: bool
    embedded: str
    exact: type | None
    seen_empty: bool


def _object(schema: Schema) -> Shaper:
    struct = schema.name.rpartition(".")[2]
    name = go_name(schema)
    plans: dict[str, _Plan] = {}
    fills: list[tuple[str, Field]] = []

    def prepare() -> None:
        """Types may hold themselves: their fields are looked at only when a value comes."""
        for key, field in schema.fields.items():
            how, exact = _field_shaper(field), _exact(field.schema)
            plans[key] = _Plan(how, _keeps_empty(field), field.embedded, exact, field.seen_empty)
            if (field.required and not field.omitted) or field.absent:
                fills.append((key, field))

    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if not isinstance(value, dict):
            raise mismatch(value, where, name)
        if not plans:
            prepare()
        made: dict[str, Any] = {}
        doubled = isinstance(value, Doubled)
        seen: set[str] = set()
        for key, item in value.pairs if isinstance(value, Doubled) else value.items():
            plan = plans.get(key)
            if doubled:
                if key in seen:
                    notes.append(f'duplicate field "{field_path(Where(where, key))}"')
                    made.pop(key, None)
                seen.add(key)
            if plan is None:
                notes.append(f'unknown field "{field_path(Where(where, key))}"')
                continue
            if item is None:
                continue
            if type(item) is plan.exact:
                shaped = item
            else:
                shaped = plan.shape(item, Where(where, key, struct, plan.embedded), notes)
            if plan.keeps_empty or shaped not in _EMPTY:
                made[key] = shaped
            elif plan.seen_empty:
                notes.empties.append((Where(where, key), shaped))
        for key, field in fills:
            if key not in made:
                made[key] = _filled(field)
        return made

    return shape


def _exact(schema: Schema) -> type | None:
    if schema.type == "string":
        return None if schema.format in _FORMATS else str
    return bool if schema.type == "boolean" else None


_EMPTY: tuple[Any, ...] = ("", 0, [], {})  # 0 == False == 0.0


def _keeps_empty(field: Field) -> bool:
    if field.pointer or (field.required and not field.omitted) or field.absent:
        return True
    schema = field.schema
    if schema.type == "object":
        return schema.values is None  # a pointer to a struct: `emptyDir: {}`
    return schema.format in ("quantity", "int-or-string", "date-time", "micro-time") or schema.type == ""


def _filled(field: Field) -> Any:
    if field.absent == "null" or (not field.absent and field.pointer):
        return None
    return zero(field.schema)


def _field_shaper(field: Field) -> Shaper:
    if not field.go_type:
        return shaper(field.schema)
    if field.schema.type == "string":
        return _string(field.go_type)
    return _array(field.schema, field.schema.items or Schema(""), field.go_type)


def _array(schema: Schema, items: Schema, name: str = "") -> Shaper:
    name = name or go_name(schema)
    item_name = name.removeprefix("[]")
    named = items.type == "string" and item_name != go_name(items)

    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if not isinstance(value, list):
            raise mismatch(value, where, name)
        inner = _string(item_name) if named else shaper(items)
        return [
            zero(items) if item is None else inner(item, Where(where, position), notes)
            for position, item in enumerate(value)
        ]

    return shape


def _map(schema: Schema, values: Schema) -> Shaper:
    name = go_name(schema)

    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if not isinstance(value, Mapping):
            raise mismatch(value, where, name)
        if isinstance(value, Doubled):
            seen: set[str] = set()
            for key, _ in value.pairs:
                if key in seen:
                    notes.append(f'duplicate field "{field_path(Where(where, key))}"')
                seen.add(key)
        inner = shaper(values)
        empty = "" if values.format == "byte" else zero(values)
        return {key: empty if item is None else inner(item, Where(where, key), notes) for key, item in value.items()}

    return shape


def _free(schema: Schema) -> Shaper:
    name = go_name(schema)

    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if schema.name.endswith("RawExtension") or isinstance(value, dict):
            return plain(value)
        raise mismatch(value, where, name)

    return shape


def _anything(value: Any, where: Where | None, notes: Notes) -> Any:
    return plain(value)


def _string(name: str) -> Shaper:
    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if type(value) is str:
            return value
        raise mismatch(value, where, name)

    return shape


def _integer(name: str) -> Shaper:
    most = _MOST[name]

    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if type(value) is int and -most <= value < most:
            return value
        raise mismatch(value, where, name)

    return shape


def _boolean(value: Any, where: Where | None, notes: Notes) -> Any:
    if type(value) is bool:
        return value
    raise mismatch(value, where, "bool")


def _number(value: Any, where: Where | None, notes: Notes) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise mismatch(value, where, "float64")
    return float(value) if isinstance(value, Float) else value


def _int_or_string(value: Any, where: Where | None, notes: Notes) -> Any:
    return value if type(value) is str else _int32(value, where, notes)


_int32 = _integer("int32")


def _byte(value: Any, where: Where | None, notes: Notes) -> Any:
    if type(value) is not str:
        raise mismatch(value, where, "[]uint8")
    return _checked(scalars.base64_text, value)


def _time(value: Any, where: Where | None, notes: Notes) -> Any:
    if type(value) is not str:
        raise mismatch(value, where, "string")
    return _checked(scalars.time, value)


def _micro_time(value: Any, where: Where | None, notes: Notes) -> Any:
    if type(value) is not str:
        raise mismatch(value, where, "string")
    return _checked(lambda text: scalars.time(text, micro=True), value)


def _quantity(value: Any, where: Where | None, notes: Notes) -> Any:
    try:
        return scalars.quantity_text(value)
    except QuantityError as error:
        raise Mismatch(str(error)) from None


def _checked(convert: Callable[[str], str], value: str) -> str:
    try:
        return convert(value)
    except ValueError as error:
        raise Mismatch(str(error)) from None


_FORMATS: dict[str, Shaper] = {
    "byte": _byte,
    "date-time": _time,
    "micro-time": _micro_time,
    "quantity": _quantity,
    "int-or-string": _int_or_string,
}
