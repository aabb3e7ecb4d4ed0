"""How a value is owned: as one leaf, member by member, or item by item.

scalar    one leaf; `scalar` says which
atomic    a map, list or anything that is owned and replaced as a whole
map       an object: each member on its own
list      each item on its own, told apart by `keys`, or by its value where there are none
any       whatever it turns out to be: objects as maps, lists atomic, the rest scalar
"""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from typing import Any

from apiserver.managedfields import element
from apiserver.schema.schema import Field, Schema

UNTYPED_FORMATS = ("int-or-string", "quantity")
SCALARS = {"string": "string", "integer": "numeric", "number": "numeric", "boolean": "boolean"}

# Keys of list items that have a default in Kubernetes' OpenAPI. A required scalar defaults to its zero value besides.
KEY_DEFAULTS: dict[tuple[str, str], Any] = {
    ("ContainerPort", "protocol"): "TCP",
    ("ServicePort", "protocol"): "TCP",
    ("LocalObjectReference", "name"): "",
}
ZEROS: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


class SchemaError(Exception):
    """A value that its shape does not allow; the text is structured-merge-diff's."""


@dataclass(slots=True, eq=False)
class Shape:
    kind: str
    schema: Schema | None = None
    scalar: str = ""
    keys: tuple[str, ...] = ()
    _fields: dict[str, "Shape"] = dataclass_field(default_factory=dict)
    _items: "Shape | None" = None

    def member(self, name: str) -> "Shape | None":
        """The shape of a member, None where the schema knows none of that name."""
        known = self._fields.get(name)
        if known is not None:
            return known
        if self.schema is None:
            return ANY
        field = self.schema.fields.get(name)
        if field is not None:
            found = self._fields[name] = shape_of(field.schema, field)
            return found
        return shape_of(self.schema.values) if self.schema.values is not None else None

    def declares(self, name: str) -> bool:
        """Whether a member is a field of a struct, not a key of a map."""
        return name in self._fields or (self.schema is not None and name in self.schema.fields)

    @property
    def items(self) -> "Shape":
        if self._items is None:
            inner = self.schema.items if self.schema is not None else None
            self._items = shape_of(inner) if inner is not None else ANY
        return self._items

    def under(self, step: str) -> "Shape":
        """The shape below a path element."""
        if self.kind == "map" and step.startswith(element.MEMBER):
            return self.member(step[2:]) or ANY
        return self.items if self.kind == "list" else ANY

    def element(self, item: Any) -> str:
        """The path element of a list's item; raises SchemaError."""
        return self._keyed(item) if self.keys else _value(item)

    def _keyed(self, item: Any) -> str:
        if item is None:
            raise SchemaError("associative list with keys may not have a null element")
        if not isinstance(item, dict):
            raise SchemaError("associative list with keys may not have non-map elements")
        found: dict[str, Any] = {}
        for key in self.keys:
            if key in item:
                found[key] = item[key]
            elif (default := self._default(key)) is not None:
                found[key] = default
        if not found:
            names = "[" + " ".join(f'"{key}"' for key in self.keys) + "]"
            raise SchemaError(
                f"associative list with keys has an element that omits all key fields {names} "
                "(and doesn't have default values for any key fields)"
            )
        return element.item(found)

    def _default(self, key: str) -> Any:
        item = self.schema.items if self.schema is not None else None
        if item is None:
            return None
        known = KEY_DEFAULTS.get((item.name.rpartition(".")[2], key))
        if known is not None:
            return known
        field = item.fields.get(key)
        if field is not None and field.default is not None:
            return field.default
        return ZEROS.get(field.schema.type) if field is not None and field.required else None


ANY = Shape("any")
ATOMIC = Shape("atomic")


@lru_cache(maxsize=16_384)
def shape_of(schema: Schema, field: Field | None = None) -> Shape:
    """Schemas and fields are compared by identity: one shape each."""
    map_type = (field.map_type if field is not None else "") or schema.map_type
    if schema.format in UNTYPED_FORMATS:
        return Shape("scalar", schema, "untyped")
    if schema.type in SCALARS:
        return Shape("scalar", schema, SCALARS[schema.type])
    if schema.type == "array":
        said = field if field is not None and field.list_type else schema
        if said.list_type in ("map", "set"):
            return Shape("list", schema, keys=said.list_map_keys if said.list_type == "map" else ())
        return Shape("atomic", schema)
    if map_type == "atomic":
        return Shape("atomic", schema)
    if schema.type == "object" and (schema.fields or schema.values is not None):
        return Shape("map", schema)
    return ANY if map_type == "granular" else Shape("atomic", schema)


def _value(item: Any) -> str:
    if isinstance(item, dict):
        raise SchemaError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise SchemaError("not supported: associative list with lists as elements")
    if item is None:
        raise SchemaError("associative list without keys has an element that's an explicit null")
    return element.value(item)
