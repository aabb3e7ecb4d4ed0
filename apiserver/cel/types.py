"""The types of the expression language. An `Object` is a type by itself: compare it by identity."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from apiserver.cel.escape import escape


@dataclass(frozen=True, slots=True)
class Simple:
    """A type without parts, by the name that messages give it."""

    name: str


class Opaque(NamedTuple):
    """A value that only its own functions look into: a quantity, an address. Equal when both parts are equal, so `text`
    is a canonical form."""

    type: str  # "kubernetes.Quantity"
    text: str


DYN, BOOL, INT, UINT, DOUBLE = Simple("dyn"), Simple("bool"), Simple("int"), Simple("uint"), Simple("double")
STRING, BYTES, NULL = Simple("string"), Simple("bytes"), Simple("null")
TIMESTAMP, DURATION = Simple("timestamp"), Simple("duration")

QUANTITY, SEMVER = Simple("kubernetes.Quantity"), Simple("kubernetes.Semver")
IP, CIDR, URL, FORMAT = Simple("net.IP"), Simple("net.CIDR"), Simple("kubernetes.URL"), Simple("kubernetes.NamedFormat")
AUTHORIZER = Simple("kubernetes.authorization.Authorizer")
PATH_CHECK = Simple("kubernetes.authorization.PathCheck")
GROUP_CHECK = Simple("kubernetes.authorization.GroupCheck")
RESOURCE_CHECK = Simple("kubernetes.authorization.ResourceCheck")
DECISION = Simple("kubernetes.authorization.Decision")

OPAQUE = (
    QUANTITY,
    SEMVER,
    IP,
    CIDR,
    URL,
    FORMAT,
    AUTHORIZER,
    PATH_CHECK,
    GROUP_CHECK,
    RESOURCE_CHECK,
    DECISION,
)


@dataclass(frozen=True, slots=True)
class List:
    of: "CelType"


@dataclass(frozen=True, slots=True)
class Map:
    """From strings; any other key where `key` says so."""

    values: "CelType"
    key: Simple = STRING


@dataclass(frozen=True, eq=False)
class Object:
    """Something with named fields. `properties` are by their names in JSON; a function, where types hold themselves.
    A property whose name cannot be escaped is not there for expressions."""

    properties: "Mapping[str, CelType] | Callable[[], Mapping[str, CelType]]"
    name: str = "object"
    plain: "Mapping[str, CelType]" = field(default_factory=dict)  # fields whose names are taken as they are

    @cached_property
    def known(self) -> "Mapping[str, CelType]":
        return self.properties() if callable(self.properties) else self.properties

    @cached_property
    def fields(self) -> "Mapping[str, tuple[str, CelType]]":
        """By the name that expressions use: the name in JSON, and the type."""
        escaped = ((escape(name), name, kind) for name, kind in self.known.items())
        plain = {name: (name, kind) for name, kind in self.plain.items()}
        return {field: (name, kind) for field, name, kind in escaped if field} | plain


CelType = Simple | List | Map | Object
