"""A body's text to plain values: JSON and YAML as Kubernetes reads them.

Where a key stands twice the object is a `Doubled`, so that the walk over it can say where. Numbers with a fraction or
an exponent keep their text (`Float`): type errors repeat it.
"""

import base64
import json
import math
import re
from typing import Any, NoReturn

import msgspec
import yaml

from apiserver.schema.syntax import syntax_error

MOST_NODES = 1_000_000  # of a YAML document, its aliases written out

_LONE = re.compile("[\ud800-\udfff]")
_ODD = (b"\\ud", b"\\uD", b'\\\\"', b" :", b"\t:", b"\n:", b"\r:")


class Malformed(Exception):
    """The text is no JSON or YAML; the message is Kubernetes'."""


class Float(float):
    """A number that is no integer, with the text it was written as."""

    text: str

    def __new__(cls, text: str) -> "Float":
        made = super().__new__(cls, text)
        made.text = text
        return made


class Doubled(dict[str, Any]):
    """An object in which a key stands more than once; the last one counts."""

    pairs: list[tuple[str, Any]]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = Doubled(pairs)
    doubled.pairs = pairs
    return doubled


def _constant(word: str) -> NoReturn:
    raise ValueError(word)


def parse_json(body: bytes, *, exact: bool = True) -> Any:
    """Raises `Malformed`. Not exact finds no doubled keys and keeps no number's text."""
    if (found := _quick(body, exact)) is not None:
        return found
    try:
        text = body.decode("utf-8", "replace")
        found = json.loads(text, object_pairs_hook=_object, parse_float=Float, parse_constant=_constant)
    except RecursionError:
        raise Malformed(syntax_error(body) or "exceeded max depth") from None
    except ValueError:
        raise Malformed(syntax_error(body) or "unexpected end of JSON input") from None
    return _whole(found) if b"\\u" in body else found


def _quick(body: bytes, exact: bool) -> Any:
    """What msgspec reads, in a third of the time, where nothing is to be marked in it; else None.

    A key ends with a colon behind a quote that nothing escapes. That counts every key, and texts that begin with a
    colon: where no more are counted than read, none stands twice.
    """
    if any(odd in body for odd in _ODD):
        return None
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if not exact or _keys(found) == body.count(b'":') - body.count(b'\\":') else None


def _keys(value: Any) -> int:
    """How many keys stand in all of a value; -1 where a number is no integer."""
    count, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            count += len(each)
            left += each.values()
        elif isinstance(each, list):
            left += each
        elif isinstance(each, float):
            return -1
    return count


def _whole(value: Any) -> Any:
    """Half a surrogate pair is no character: Go reads U+FFFD."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, Doubled):
        return _object([(_whole(key), _whole(item)) for key, item in value.pairs])
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def plain(value: Any) -> Any:
    """Without the marks that this module leaves, as it is to be stored; itself where there are none."""
    return _unmarked(value) if _marked(value) else value


def _marked(value: Any) -> bool:
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            if isinstance(each, Doubled):
                return True
            left += each.values()
        elif isinstance(each, list):
            left += each
        elif isinstance(each, Float):
            return True
    return False


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return float(value) if isinstance(value, Float) else value


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as Go's sigs.k8s.io/yaml reads it: y and n are booleans, times and 1:30 are text."""

    doubles: list[str]

    def get_single_node(self) -> Any:
        return _bounded(super().get_single_node())

    def get_node(self) -> Any:
        return _bounded(super().get_node())


def _bounded(node: Any) -> Any:
    """Aliases make what is small as text as large as one likes: so large is nobody's object."""
    if _nodes(node, {}) > MOST_NODES:
        raise yaml.YAMLError("document contains excessive aliasing")
    return node


def _nodes(node: Any, known: dict[int, int]) -> int:
    """How many there are once every alias is written out."""
    found = known.get(id(node))
    if found is None:
        value = node.value if isinstance(node, yaml.CollectionNode) else ()
        inner = (each for pair in value for each in (pair if isinstance(pair, tuple) else (pair,)))
        known[id(node)] = MOST_NODES  # of one that holds itself
        found = known[id(node)] = 1 + sum(_nodes(each, known) for each in inner)
    return found


def _resolvers() -> dict[str | None, list[tuple[str, re.Pattern[str]]]]:
    kept: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}
    changed = ("timestamp", "int", "float", "bool")
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items():
        kept[first] = [pair for pair in found if pair[0].rpartition(":")[2] not in changed]
    return kept


_Loader.yaml_implicit_resolvers = _resolvers()
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile(r"(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)\Z"),
    list("yYnNtTfFoO"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(?:0b[0-1_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
    list("-+0123456789."),
)
_TRUE = ("y", "yes", "true", "on")


def _boolean(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() in _TRUE


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int | str:
    text = str(node.value).replace("_", "").lower()
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    if digits in ("0b", "0x", "0o"):
        return str(node.value)
    if digits.startswith(("0b", "0x", "0o")):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if len(digits) > 1 and digits[0] == "0" else 10)


def _float(loader: _Loader, node: yaml.ScalarNode) -> Float | str:
    """What is too large for a number is text; what JSON has no number for is refused."""
    text = str(node.value).lower()
    if text.endswith((".inf", ".nan")):
        shown = "NaN" if text == ".nan" else f"{'-' if text[0] == '-' else '+'}Inf"
        raise Malformed(f"json: unsupported value: {shown}")
    found = Float(text)
    return str(node.value) if math.isinf(found) else found


def _binary(loader: _Loader, node: yaml.ScalarNode) -> str:
    try:
        return base64.b64decode("".join(str(node.value).split()), validate=True).decode("utf-8", "replace")
    except ValueError:
        raise Malformed("yaml: !!binary value contains invalid base64 data") from None


def _untagged(loader: _Loader, node: Any) -> Any:
    """Tags that Go's reader knows nothing of change nothing."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else str(node.value)


def _key(value: Any) -> str:
    """A key of any type as JSON's text: `on: 1` is `"true": 1`."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _key(loader.construct_object(key_node, deep=True))
        if key in found:
            loader.doubles.append(f'line {key_node.start_mark.line + 1}: key "{key}" already set in map')
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:binary", _binary)
for _name in ("timestamp", "set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _untagged)
_Loader.add_constructor(None, _untagged)


def _yaml_words(error: yaml.MarkedYAMLError, body: bytes) -> str:
    """Go counts lines from its parser's own marks (source: yaml.v2's decode.go, parser.fail)."""
    if error.problem == "found undefined alias" and error.problem_mark:
        line = body.decode(errors="replace").split("\n")[error.problem_mark.line]
        alias = re.match(r"\*([^\s,\]}]+)", line[error.problem_mark.column :])
        return f"yaml: unknown anchor '{alias[1] if alias else ''}' referenced"
    lines = [mark.line for mark in (error.context_mark, error.problem_mark) if mark and mark.line]
    if not lines:
        return f"yaml: {error.problem}"
    return f"yaml: line {lines[0] + isinstance(error, yaml.scanner.ScannerError)}: {error.problem}"


def parse_yaml(body: bytes) -> tuple[Any, list[str]]:
    """The first document and the keys that stand twice in it. Raises `Malformed`."""
    loader = _Loader(body)
    loader.doubles = []
    try:
        found = loader.get_single_data() if b"\n---" not in body else loader.get_data()
    except yaml.MarkedYAMLError as error:
        raise Malformed(_yaml_words(error, body)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Malformed(f"yaml: {error}") from None
    finally:
        loader.dispose()
    return found, loader.doubles
