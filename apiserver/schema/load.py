"""Schemas of the built-in types, read from the source text of lightkube-models, each type on first use.

lightkube-models is a dataclass a type with the documentation in its docstring. Importing it drags in an HTTP client
(250 ms); its text is regular, so one type costs about 50 µs to read here. What the dataclasses leave out of the Go
types stands in two tables beside this file: `merge-keys.tsv` (how lists and maps merge) and `facts.tsv` (int64,
pointers, structs that are never absent, embedded structs, named string types).

A type's name is `core.v1.PodSpec`; OpenAPI's is `io.k8s.api.core.v1.PodSpec` (`Schema.name`).
"""

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from apiserver.schema.schema import Field, Schema
from apiserver.schema.shape import Mismatch, Notes, Shaper, Where, read_apart, shaper

HERE = Path(__file__).parent
WRAP = 78  # the width that lightkube-models wraps documentation at: a line that ends earlier ends a paragraph

STRING, INTEGER, BOOLEAN, NUMBER = (
    Schema("string"),
    Schema("integer", "int32"),
    Schema("boolean"),
    Schema("number", "double"),
)
INT64, BYTE = Schema("integer", "int64"), Schema("string", "byte")
ANYTHING, OBJECT = Schema(""), Schema("object")
QUANTITY = Schema("string", "quantity", name="io.k8s.apimachinery.pkg.api.resource.Quantity")
TIME = Schema("string", "date-time", name="io.k8s.apimachinery.pkg.apis.meta.v1.Time")
MICRO_TIME = Schema("string", "micro-time", name="io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime")
INT_OR_STRING = Schema("string", "int-or-string", name="io.k8s.apimachinery.pkg.util.intstr.IntOrString")
RAW = Schema("object", name="io.k8s.apimachinery.pkg.runtime.RawExtension")
FIELDS = Schema("object", name="io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1")
STRINGS = Schema("array", items=STRING)


def _props() -> Schema:
    return schema("apiextensions.v1.JSONSchemaProps")


def _inner_schema(value: Any, where: Where | None, notes: Notes) -> Any:
    """A schema within a schema, which Go reads apart: what it does not know there goes without a word."""
    try:
        return shaper(_props())(value, None, Notes())
    except Mismatch as wrong:
        raise read_apart(wrong, where) from None


def _or_bool(value: Any, where: Where | None, notes: Notes) -> Any:
    if not isinstance(value, dict | bool):
        raise Mismatch("boolean or JSON schema expected")
    return _inner_schema(value, where, notes) if isinstance(value, dict) else value


@cache
def _several_props() -> Schema:
    return Schema("array", items=_props())


def _or_list(several: Callable[[], Schema]) -> Shaper:
    """A schema or a list; what is neither is taken for null."""

    def shape(value: Any, where: Where | None, notes: Notes) -> Any:
        if not isinstance(value, list):
            return _inner_schema(value, where, notes) if isinstance(value, dict) else None
        try:
            return shaper(several())(value, None, Notes())
        except Mismatch as wrong:
            raise read_apart(wrong, where) from None

    return shape


SCHEMA_OR_BOOL = Schema("", shape=_or_bool)
SCHEMA_OR_STRINGS = Schema("", shape=_or_list(lambda: STRINGS))
SCHEMA_OR_SCHEMAS = Schema("", shape=_or_list(_several_props))
STRING_MAP = Schema("object", values=STRING)

_SCALARS = {"str": STRING, "int": INTEGER, "bool": BOOLEAN, "float": NUMBER, "dict": STRING_MAP}
_ALIASES = {
    "Quantity": QUANTITY,
    "Time": TIME,
    "MicroTime": MICRO_TIME,
    "IntOrString": INT_OR_STRING,
    "RawExtension": RAW,
    "FieldsV1": FIELDS,
    "Patch": OBJECT,
    "JSON": ANYTHING,
    "JSONSchemaPropsOrArray": SCHEMA_OR_SCHEMAS,
    "JSONSchemaPropsOrBool": SCHEMA_OR_BOOL,
    "JSONSchemaPropsOrStringArray": SCHEMA_OR_STRINGS,
    "CustomResourceSubresourceStatus": OBJECT,
    "StorageVersionSpec": OBJECT,
    "BasicSchedulingPolicy": OBJECT,
}
_VALUES = {"quantity": QUANTITY, "time": TIME, "strings": STRINGS}
_PREFIXES = {
    "meta": "io.k8s.apimachinery.pkg.apis.",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.",
}

_CLASS = re.compile(r"^class (\w+)\(DictMixin\):\n", re.M)
_FIELD = re.compile(r"^    (\w+): '([^']+)'( = .*)?$", re.M)
_RENAMED = re.compile(r'"json": "([^"]+)"')
_PARAMETER = re.compile(r"^      \* \*\*(\S+)\*\* ``[^`]*`` - (.*?)(?=^      \* \*\*|\Z)", re.S | re.M)


@cache
def _modules() -> dict[str, Path]:
    """The files of lightkube-models, by name."""
    spec = importlib.util.find_spec("lightkube")
    assert spec and spec.submodule_search_locations
    return {file.stem: file for file in (Path(spec.submodule_search_locations[0]) / "models").glob("*.py")}


class _Module:
    """The text of one lightkube-models module and where its classes stand in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = _modules()[name].read_text()
        found = list(_CLASS.finditer(self.text))
        ends = [each.start() for each in found[1:]] + [len(self.text)]
        self.spans = {each[1]: (each.end(), end) for each, end in zip(found, ends, strict=True)}

    def body(self, name: str) -> str:
        start, end = self.spans[name]
        return self.text[start:end]


@cache
def _module(name: str) -> _Module:
    return _Module(name)


class _Fields(Mapping[str, Field]):
    """The fields of one type, read when first asked for: types are many, and some contain themselves."""

    __slots__ = ("_read", "_type")

    def __init__(self, name: str) -> None:
        self._type = name
        self._read: dict[str, Field] | None = None

    def _all(self) -> dict[str, Field]:
        if self._read is None:
            self._read = _fields(self._type)
        return self._read

    def __getitem__(self, key: str) -> Field:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


@cache
def schema(name: str) -> Schema:
    """The schema of `core.v1.Pod`. Raises KeyError where lightkube-models has no such type."""
    group, version, kind = name.split(".")
    if kind in _ALIASES:
        return _ALIASES[kind]
    body = _module(f"{group}_{version}").body(kind)
    prefix = _PREFIXES.get(group, "io.k8s.api.")
    return Schema(
        "object",
        description=unwrap(_documentation(body)[0]),
        name=prefix + name,
        fields=_Fields(name),
        map_type=_merges().get((_merge_name(name), ""), _NO_MERGE)[4],
    )


def _documentation(body: str) -> tuple[str, str]:
    """A class's own documentation, and the text on its fields."""
    start = body.find('r"""')
    end = body.find('"""', start + 4)
    text = body[start + 4 : end] if start >= 0 else ""
    head, _, parameters = text.partition("      **parameters**\n")
    return head, parameters.rstrip() + "\n"


def unwrap(text: str) -> str:
    """Documentation as its author wrote it, out of wrapped and indented lines."""
    found = ""
    before = ""
    for number, line in enumerate(text.rstrip().split("\n")):
        words = line if number == 0 else line[8:] if line.startswith(" " * 8) else line.strip()
        if number == 0:
            found = words
        elif not words or not before or words.startswith((" ", "- ", "* ", "1. ")):
            found += "\n" + words
        elif (room := WRAP - len(before) - 1 - len(words.split(" ", 1)[0])) == 0 and before.endswith("."):
            found += "  " + words  # one space would have fitted: there were two
        elif room >= 0:
            found += "\n\n" + words
        else:
            found += " " + words
        before = words
    return found.strip()


def _fields(name: str) -> dict[str, Field]:
    group, version, kind = name.split(".")
    module = _module(f"{group}_{version}")
    body = module.body(kind)
    documented = {each[1]: each[2] for each in _PARAMETER.finditer(_documentation(body)[1])}
    facts, merges, merge_name = _facts(), _merges(), _merge_name(name)
    declarations = body[body.find('"""', body.find('r"""') + 4) :]
    found: dict[str, Field] = {}
    for attribute, annotation, default in _FIELD.findall(declarations):
        renamed = _RENAMED.search(default)
        json_name = renamed[1] if renamed else attribute
        words = facts.get((name, json_name), ())
        merge = merges.get((merge_name, json_name), _NO_MERGE)
        named = dict(word.partition("=")[::2] for word in words)
        found[json_name] = Field(
            schema=_typed(annotation, module.name, named),
            description=unwrap(documented.get(attribute, "")),
            required=not default,
            pointer="pointer" in named,
            omitted="omitted" in named,
            seen_empty="empty" in named,
            absent=_absent(json_name, annotation, named, declarations),
            embedded=named.get("in", "TypeMeta" if json_name in ("kind", "apiVersion") else ""),
            go_type=_go_type(named.get("go", ""), version),
            list_type=merge[0],
            list_map_keys=tuple(filter(None, merge[1].split(","))),
            patch_strategy=merge[2],
            patch_merge_key=merge[3],
            map_type=merge[4],
            enum=_enums().get((name, json_name), ()),
        )
    return dict(sorted(found.items()))


def _absent(name: str, annotation: str, named: Mapping[str, str], declarations: str) -> str:
    """Objects of the API always have metadata, spec and status where their type has them."""
    if name in ("metadata", "spec", "status") and "    apiVersion: " in declarations and annotation != "Optional[str]":
        return "struct"
    return next((word for word in ("struct", "null", "zero") if word in named), "")


def _typed(annotation: str, module: str, named: Mapping[str, str]) -> Schema:
    annotation = annotation.removeprefix("Optional[").removesuffix("]") if annotation[:9] == "Optional[" else annotation
    if annotation.startswith("List["):
        return Schema("array", items=_typed(annotation[5:-1], module, named))
    if annotation == "dict":
        values = named.get("map", "")
        if values:
            return Schema("object", values=_VALUES.get(values) or schema(values))
        return Schema("object", values=BYTE) if "byte" in named else STRING_MAP
    if annotation == "int" and "int64" in named:
        return INT64
    if annotation == "str" and "byte" in named:
        return BYTE
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    owner, _, kind = annotation.rpartition(".")
    if kind in _ALIASES:
        return _ALIASES[kind]
    group, _, version = (owner or module).rpartition("_")
    return schema(f"{group}.{version}.{kind}")


def _go_type(word: str, version: str) -> str:
    if not word:
        return ""
    return word if word.startswith("[]") else f"types.{word}" if word == "UID" else f"{version}.{word}"


_NO_MERGE = ("", "", "", "", "")


def _merge_name(name: str) -> str:
    group = name.partition(".")[0]
    return _PREFIXES.get(group, "").removeprefix("io.k8s.") * (group != "meta") + name


@cache
def _merges() -> dict[tuple[str, str], tuple[str, ...]]:
    """(type, field) to list type, list map keys, patch strategy, patch merge key, map type."""
    rows = (line.split("\t") for line in (HERE / "merge-keys.tsv").read_text().splitlines() if line[0] != "#")
    return {(row[0], row[1]): tuple((row[2:] + [""] * 5)[:5]) for row in rows}


@cache
def _facts() -> dict[tuple[str, str], tuple[str, ...]]:
    rows = (line.split("\t") for line in (HERE / "facts.tsv").read_text().splitlines() if line[0] != "#")
    return {(row[0], row[1]): tuple(row[2].split(" ")) for row in rows}


@cache
def _enums() -> dict[tuple[str, str], tuple[str, ...]]:
    rows = (line.split("\t") for line in (HERE / "enums.tsv").read_text().splitlines() if line[0] != "#")
    return {(row[0], row[1]): tuple(row[2].split(" ")) for row in rows}


def served(api_version: str) -> bool:
    """Whether lightkube-models has this group version."""
    return _module_name(api_version) in _modules()


def declared(api_version: str, kind: str) -> bool:
    """Whether lightkube-models has this kind: a type that says its kind itself."""
    try:
        body = _module(_module_name(api_version)).body(kind)
    except KeyError:
        return False
    return "    kind: 'Optional[str]'" in body and "    apiVersion: " in body


def _module_name(api_version: str) -> str:
    group, _, version = api_version.rpartition("/")
    return f"{group.partition('.')[0] if group else 'core'}_{version}"
