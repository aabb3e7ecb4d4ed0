"""What the engine says, in cel-go's words: Kubernetes hands those to its users.

The engine (cel-cpp) shares cel-go's grammar and most of its sentences. Source of the others: cel-go's
checker/errors.go, common/types and interpreter/attributes.go.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from apiserver.cel.types import OPAQUE

_PARAGRAPH = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?=\n \| |\nERROR: |\Z)", re.DOTALL)
_STATUS = re.compile(r"(?:[A-Z_]+: )?(.*?)(?: \[[A-Z_]+\])?", re.DOTALL)
_UNDECLARED = re.compile(r"undeclared reference to '([\w.]+)' \(in container ''\)")
_FIELD = re.compile(r"undefined field '(\w+)' not found in struct '([\w.]+)'")
_SELECT = re.compile(r"expression of type '(.*)' cannot be the operand of a select operation")
_OPAQUE = frozenset(kind.name for kind in OPAQUE)
_TYPES = (
    (re.compile(r"google\.protobuf\.Timestamp"), "timestamp"),
    (re.compile(r"google\.protobuf\.Duration"), "duration"),
    (re.compile(r"\bnull_type\b"), "null"),
    (re.compile(r"\*error\*"), "!error!"),
    (re.compile(r"optional_type<[^()]*>\("), "optional_type("),
    (re.compile(r"'TYPE'"), "'type'"),
)
_MACROS = (
    (re.compile(r"has\(\) argument must be a field selection"), "invalid argument to has() macro"),
    (re.compile(r"(?:map|filter)\(\) variable name must be a simple identifier"), "argument is not an identifier"),
    (
        re.compile(r"(?!opt)\w+\(\) (?:first |second )?variable name must be a simple identifier"),
        "argument must be a simple name",
    ),
    (
        re.compile(r"\w+\(\) (?:first |second )?variable name cannot be .*"),
        "iteration variable overwrites accumulator variable",
    ),
    (re.compile(r"(expression of type .* cannot be )the (range of a comprehension .*)"), r"\1\2"),
)
# What follows from another mistake: cel-go goes on with anything in its place.
_FOLLOWS = re.compile(r"type '!error!' does not support field selection|expression of type '!error!' cannot be .*")
_SIMPLE = "bool bytes double dyn int list map string type uint"
_WORDS = {name.upper(): name for name in _SIMPLE.split()} | {
    "NULL": "null_type",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}


class Mistake(NamedTuple):
    line: int
    column: int
    message: str


def compile_error(said: str, expression: str, shown: Mapping[str, str]) -> str:
    """Every mistake with its line and a mark, from the first to the last. `shown`: how messages call the types that the
    engine knows under other names."""
    lines = expression.split("\n")
    found = [
        _mistake(int(line), int(column), message.strip(), lines, shown)
        for line, column, message in _PARAGRAPH.findall(_STATUS.fullmatch(said)[1])  # type: ignore[index]
        if 0 < int(line) <= len(lines)
    ]
    if not found:
        return f"ERROR: <input>:-1:0: {_too_much(said) or _STATUS.fullmatch(said)[1]}"  # type: ignore[index]
    told = {each for each in found if not _FOLLOWS.fullmatch(each.message)}
    return "\n".join(_show(each, lines) for each in sorted(told or found))


def literal_error(wrong: Iterable[tuple[int, str]], expression: str) -> str:
    """The same for mistakes by their offset."""
    lines, found = expression.split("\n"), []
    for offset, message in wrong:
        before = expression[:offset]
        found.append(Mistake(before.count("\n") + 1, offset - before.rfind("\n"), message))
    return "\n".join(_show(each, lines) for each in sorted(found))


def _too_much(said: str) -> str:
    """The engine's limits: depth 32 where cel-go has 250, and as many characters as cel-go."""
    if depth := re.search(r"recursion (?:limit exceeded\. limit:|depth of) (\d+)", said):
        return f"expression recursion limit exceeded: {depth[1]}"
    if size := re.search(r"input size: (\d+), limit: (\d+)", said):
        return f"expression code point size exceeds limit: size: {size[1]}, limit {size[2]}"
    return ""


def _show(mistake: Mistake, lines: list[str]) -> str:
    line = lines[mistake.line - 1] if mistake.line <= len(lines) else ""
    mark = "." * (mistake.column - 1) + "^"
    return f"ERROR: <input>:{mistake.line}:{mistake.column}: {mistake.message}\n | {line}\n | {mark}"


def _mistake(line: int, column: int, message: str, lines: list[str], shown: Mapping[str, str]) -> Mistake:
    for name, say in shown.items():
        message = re.sub(rf"\b{re.escape(name)}\b", say, message)
    for pattern, say in _TYPES:
        message = pattern.sub(say, message)
    if undeclared := _UNDECLARED.fullmatch(message):
        return _root(line, column, undeclared[1], lines)
    if field := _FIELD.fullmatch(message):
        message = f"undefined field '{field[1]}'"
        if field[2] in _OPAQUE:
            message = f"type '{field[2]}' does not support field selection"
    elif select := _SELECT.fullmatch(message):
        message = f"type '{select[1]}' does not support field selection"
    for pattern, say in _MACROS:
        message = pattern.sub(say, message)
    return Mistake(line, column, message)


def _root(line: int, column: int, name: str, lines: list[str]) -> Mistake:
    """The engine names the whole of `params.x.y` where its last dot stands; cel-go names `params`, where it stands."""
    root, *rest = name.split(".")
    offset = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
    text = "\n".join(lines)
    if rest and text[offset : offset + 1] == ".":
        chain = r"\s*\.\s*".join((root, *rest[:-1]))
        if before := re.search(rf"\b{chain}\s*\Z", text[:offset]):
            line = text.count("\n", 0, before.start()) + 1
            column = before.start() - (text.rfind("\n", 0, before.start()) + 1) + 1
            name = root
    return Mistake(line, column, f"undeclared reference to '{name}' (in container '')")


def type_name(name: str, shown: Mapping[str, str]) -> str:
    """`LIST<STRING>` is `list(string)`: a type as Go prints it, which is not in all how the checker's messages do."""
    words = re.sub(r"[\w.]+", lambda found: shown.get(found[0], _WORDS.get(found[0], found[0])), name)
    return words.replace("<", "(").replace(">", ")")


_EVALUATION: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'Key not found in map : "?(.*?)"?', re.DOTALL), r"no such key: \1"),
    (re.compile(r"no_such_field : (.*)"), r"no such key: \1"),
    (re.compile(r"Index error: index=(-?\d+) size=\d+"), r"index out of bounds: \1"),
    (re.compile(r"divide by zero"), "division by zero"),
    (re.compile(r"modulus by zero|modulo by zero"), "modulus by zero"),
    (re.compile(r"No matching overloads found.*", re.DOTALL), "no such overload"),
    (
        re.compile(r"cannot convert (string|int|uint|double) to (int|uint|double|bool)"),
        r"type conversion error from '\1' to '\2'",
    ),
    (re.compile(r"Type (conversion error .*)"), r"type \1"),
    (
        re.compile(r"String to (Duration|Timestamp) conversion failed"),
        r"type conversion error from 'string' to 'google.protobuf.\1'",
    ),
    (re.compile(r"\w+ out of int64 range"), "integer overflow"),
    (re.compile(r"\w+ out of uint64 range"), "unsigned integer overflow"),
)


def eval_error(said: str, expression: str, values: Mapping[str, Any]) -> str:
    """`no such key: foo`"""
    message = str(_STATUS.fullmatch(said)[1])  # type: ignore[index]
    for pattern, say in _EVALUATION:
        if found := pattern.fullmatch(message):
            return str(found.expand(say))
    if message.startswith("<string>."):
        return _out_of_range(message, expression)
    if message == "Applying SELECT to non-message type":
        name = _not_a_map(expression, values)
        return f"no such key: {name}" if name else "no such key"
    return message


def _out_of_range(message: str, expression: str) -> str:
    """Which place in a text is none: the engine does not tell, the expression does where it says a number."""
    name = message.removeprefix("<string>.").partition("(")[0]
    said = re.search(rf"\.{re.escape(name)}\(\s*(-?\d+)\s*(?:,\s*(-?\d+)\s*)?\)", expression)
    if said is None:
        return "index out of range"
    start, end = said[1], said[2]
    if "is less than <start>" in message:
        return f"invalid substring range. start: {start}, end: {end}"
    return f"index out of range: {end if end and 'or <end>' in message else start}"


def _not_a_map(expression: str, values: Mapping[str, Any]) -> str:
    """The field that was asked of something without fields: the engine does not tell, the values do."""
    chains = re.findall(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", expression)
    for root, *path in (chain.split(".") for chain in chains):
        value: Any = values.get(root)
        for name in path if root in values else ():
            if not isinstance(value, Mapping):
                return str(name)
            if name not in value:
                break
            value = value[name]
    fields = [chain.rpartition(".")[2] for chain in chains]
    return str(fields[-1]) if fields else ""
