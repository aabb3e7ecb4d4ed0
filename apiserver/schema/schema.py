"""What a field may hold: the one description that strict decoding, `kubectl explain`, OpenAPI, merging and field
ownership all read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One type of the API, with the types under it. Schemas may be recursive; compare them by identity.

    `type` is "object", "array", "string", "integer", "number", "boolean", or "" for anything at all.
    `format` narrows it: "int32", "int64", "date-time", "micro-time", "byte", "quantity", "int-or-string", or "".
    An object has either `fields`, or `values` (a map of strings to these), or neither (any JSON object). In custom
    resources it may have both: values are then what else it may hold.
    """

    type: str
    format: str = ""
    description: str = ""
    name: str = ""  # of a named type, as OpenAPI refers to it: "io.k8s.api.core.v1.PodSpec"
    fields: Mapping[str, "Field"] = field(default_factory=dict)
    values: "Schema | None" = None
    items: "Schema | None" = None
    map_type: str = ""  # "atomic": owned and replaced as a whole
    list_type: str = ""  # of a list that stands in no field, as in Field
    list_map_keys: tuple[str, ...] = ()
    shape: Callable[..., Any] | None = None  # how a body is read (shape.Shaper), where not as Go reads a struct
    publish: Callable[[str], dict[str, Any]] | None = None  # what OpenAPI says of it, given the prefix of references
    status_apart: bool = False  # of a custom resource: status is written at its own address alone

    @property
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition wrote it."""
        return self.shape is not None


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of an object, with how its list or map merges (source: merge-keys.tsv) and how Go writes it
    (source: facts.tsv)."""

    schema: Schema
    description: str = ""
    required: bool = False  # written even when empty, as the zero of its type
    pointer: bool = False  # a zero that was given is kept: `replicas: 0`
    absent: str = ""  # what is written when nobody gave it: "struct" {}, "null", "zero", or "" nothing
    omitted: bool = False  # required, and yet not written when it is empty
    seen_empty: bool = False  # rules tell a list or map that was given empty from none; it is not written
    embedded: str = ""  # the embedded Go struct it sits in, which type errors name
    go_type: str = ""  # its Go type as type errors name it, where the schema does not tell: "v1.Protocol"
    list_type: str = ""  # server-side apply: "atomic" (also when empty), "set", "map"
    list_map_keys: tuple[str, ...] = ()
    patch_strategy: str = ""  # strategic merge: "", "merge", "replace", "retainKeys", "merge,retainKeys"
    patch_merge_key: str = ""
    map_type: str = ""
    enum: tuple[str, ...] = ()  # the only values, where the type says so (source: enums.tsv); `validate` holds it
    default: Any = None  # what a list's item without this key counts as
