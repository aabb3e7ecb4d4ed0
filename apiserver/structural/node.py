"""One node of a schema: what Kubernetes reads out of a JSONSchemaProps for pruning, defaults, list types and columns.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/structural.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Object = dict[str, Any]
Props = Mapping[str, Any]  # a JSONSchemaProps as JSON

META = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, eq=False)
class Node:
    """`values` are additionalProperties: a node, True (anything, pruned empty below), False (nothing), None (none)."""

    props: Props
    type: str = ""
    nullable: bool = False
    default: Any = None  # None: there is none (null is no default)
    properties: Mapping[str, "Node"] = field(default_factory=dict)
    values: "Node | bool | None" = None
    items: "Node | None" = None
    preserve: bool = False
    embedded: bool = False
    int_or_string: bool = False
    list_type: str = ""
    list_map_keys: tuple[str, ...] = ()
    map_type: str = ""

    def member(self, name: str) -> "Node | None":
        """The schema of a field or of a key's value, None where nothing is said of it."""
        found = self.properties.get(name)
        if found is not None:
            return found
        return self.values if isinstance(self.values, Node) else None

    @cached_property
    def has_defaults(self) -> bool:
        """Whether there is a default here or below."""
        return self.default is not None or any(each.has_defaults for each in self.below)

    @cached_property
    def has_embedded(self) -> bool:
        return self.embedded or any(each.has_embedded for each in self.below)

    @cached_property
    def has_lists(self) -> bool:
        """Whether a list here or below is a set or a map."""
        return self.list_type in ("set", "map") or any(each.has_lists for each in self.below)

    @cached_property
    def below(self) -> tuple["Node", ...]:
        found = list(self.properties.values())
        found += [each for each in (self.values, self.items) if isinstance(each, Node)]
        return tuple(found)


def parse(props: Props | None) -> Node:
    """Of a schema that passed `rules.py`; parts that are no schema at all are passed over."""
    if not isinstance(props, Mapping):
        props = {}
    more = props.get("additionalProperties")
    items = props.get("items")
    return Node(
        props=props,
        type=props.get("type") or "",
        nullable=bool(props.get("nullable")),
        default=props.get("default"),
        properties={name: parse(each) for name, each in sorted((props.get("properties") or {}).items())},
        values=parse(more) if isinstance(more, Mapping) else more if isinstance(more, bool) else None,
        items=parse(items) if isinstance(items, Mapping) else None,
        preserve=bool(props.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(props.get("x-kubernetes-embedded-resource")),
        int_or_string=bool(props.get("x-kubernetes-int-or-string")),
        list_type=props.get("x-kubernetes-list-type") or "",
        list_map_keys=tuple(props.get("x-kubernetes-list-map-keys") or ()),
        map_type=props.get("x-kubernetes-map-type") or "",
    )


class _Missing:
    """There is no value: null is one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of equal types: 1 is not 1.0 and not true."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
