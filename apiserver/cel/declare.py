"""Types as the engine's checker knows them: a message a type with fields. The names of messages are the engine's own;
`Declared.shown` says what users read in their place."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2

from apiserver.cel import types
from apiserver.cel.tokens import Literal
from apiserver.cel.types import CelType, List, Map, Object, Simple

OPAQUE = "podling.cel.Opaque"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    types.BOOL: _Field.TYPE_BOOL,
    types.INT: _Field.TYPE_INT64,
    types.UINT: _Field.TYPE_UINT64,
    types.DOUBLE: _Field.TYPE_DOUBLE,
    types.STRING: _Field.TYPE_STRING,
    types.BYTES: _Field.TYPE_BYTES,
}
_MESSAGES = {
    types.TIMESTAMP: "google.protobuf.Timestamp",
    types.DURATION: "google.protobuf.Duration",
    types.DYN: "google.protobuf.Value",
    types.NULL: "google.protobuf.Value",
}
_BY_NAME = {kind.name: kind for kind in (*_SCALARS, types.TIMESTAMP, types.DURATION, *types.OPAQUE)}
_SIGNATURES = {types.TIMESTAMP: "timestamp", types.DURATION: "duration", types.NULL: "null"}


class Declared:
    """A pool of descriptors, filled by `signature(type)`; whole when `pool()` is asked for."""

    def __init__(self, literals: tuple[Literal, ...] = (), roots: Mapping[str, Object] | None = None) -> None:
        self.shown: dict[str, str] = {}
        self._names: dict[int, tuple[Object, str]] = {}
        self._file = descriptor_pb2.FileDescriptorProto(name="podling/cel/types.proto", syntax="proto3")
        for module in ("struct", "timestamp", "duration"):
            self._file.dependency.append(f"google/protobuf/{module}.proto")
        self._file.dependency.extend(_file_of(each.name) for each in types.OPAQUE)
        self._literals(literals, roots or {})

    def pool(self) -> Any:
        pool = descriptor_pool.DescriptorPool()
        for module in (struct_pb2, timestamp_pb2, duration_pb2):
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        for name in (OPAQUE, *(each.name for each in types.OPAQUE)):
            pool.AddSerializedFile(_message(name).SerializeToString())
        pool.AddSerializedFile(self._file.SerializeToString())
        return pool

    def signature(self, kind: CelType) -> str:
        """The type as the engine writes it: `map<string, list<int>>`."""
        if isinstance(kind, List):
            return f"list<{self.signature(kind.of)}>"
        if isinstance(kind, Map):
            return f"map<{self.signature(kind.key)}, {self.signature(kind.values)}>"
        return self._message(kind) if isinstance(kind, Object) else _SIGNATURES.get(kind, kind.name)

    def type(self, name: str) -> CelType:
        """The type that the engine calls so, as far as it was declared here: `LIST<INT>`."""
        head, _, inside = name.partition("<")
        inside = inside.removesuffix(">")
        if head == "LIST":
            return List(self.type(inside))
        if head == "MAP":
            return Map(self.type(inside.partition(", ")[2]))
        found = next((kind for kind, message in self._names.values() if message == name), None)
        return found or _BY_NAME.get(name) or _BY_NAME.get(name.lower()) or types.DYN

    def _message(self, kind: Object) -> str:
        if id(kind) in self._names:
            return self._names[id(kind)][1]
        name = f"Type{len(self._names)}"
        self._names[id(kind)] = (kind, name)
        self.shown[name] = kind.name
        made = self._file.message_type.add(name=name)
        for number, (field, (_, type_)) in enumerate(kind.fields.items(), 1):
            self._field(made, field, number if number < 19000 else number + 1000, type_)
        return name

    def _field(self, message: Any, name: str, number: int, kind: CelType) -> None:
        label = _Field.LABEL_OPTIONAL
        if isinstance(kind, List):
            label, kind = _Field.LABEL_REPEATED, kind.of
        elif isinstance(kind, Map):
            label, entry = _Field.LABEL_REPEATED, message.nested_type.add(name=_entry(name))
            entry.options.map_entry = True
            self._field(entry, "key", 1, types.STRING)
            self._field(entry, "value", 2, _inner(kind.values))
            message.field.add(name=name, number=number, label=label, type=_Field.TYPE_MESSAGE,
                              type_name=f".{message.name}.{entry.name}")  # fmt: skip
            return
        kind = _inner(kind)
        if isinstance(kind, Simple) and kind in _SCALARS:
            message.field.add(name=name, number=number, label=label, type=_SCALARS[kind])
            return
        of = self._message(kind) if isinstance(kind, Object) else _MESSAGES.get(kind, kind.name)  # type: ignore[arg-type,union-attr]
        message.field.add(name=name, number=number, label=label, type=_Field.TYPE_MESSAGE, type_name=f".{of}")

    def _literals(self, literals: tuple[Literal, ...], roots: Mapping[str, Object]) -> None:
        """Messages that expressions make: with the fields that their root declares, or with any."""
        fields: dict[str, dict[str, CelType]] = {root: dict(kind.known) for root, kind in roots.items()}
        for literal in literals:
            if not roots[literal.name.partition(".")[0]].known:
                fields.setdefault(literal.name, {}).update(dict.fromkeys(literal.fields, types.DYN))
        for name, known in fields.items():
            message = self._file.message_type.add(name=name.replace(".", "_"))
            self.shown[message.name] = name
            for number, (field, kind) in enumerate(known.items(), 1):
                self._field(message, field, number, kind)


def _inner(kind: CelType) -> CelType:
    """Lists in lists, and in maps, are known to hold anything."""
    if isinstance(kind, List):
        return Simple("google.protobuf.ListValue")
    return Simple("google.protobuf.Struct") if isinstance(kind, Map) else kind


def _entry(name: str) -> str:
    """The name that protoc gives the entries of a map: `labels` has `LabelsEntry`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"


def _file_of(name: str) -> str:
    return f"{name.replace('.', '/')}.proto"


def _message(name: str) -> Any:
    package, _, last = name.rpartition(".")
    made = descriptor_pb2.FileDescriptorProto(name=_file_of(name), package=package, syntax="proto3")
    message = made.message_type.add(name=last)
    if name == OPAQUE:
        for number, field in enumerate(("type", "text"), 1):
            message.field.add(name=field, number=number, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_STRING)
    return made
