"""Paths to fields as rules and selectable fields name them: `.spec.map['a key'].name`.

Source: ValidFieldPath in k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go.
"""

import re

from apiserver.structural.node import Node
from podling.api.field import Path

_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|[.\[\]]|[^.\[\]']+|'", re.S)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\"}


class FieldPathError(Exception):
    """The path is none, or leads nowhere in the schema."""


def resolve(text: str, node: Node, *, brackets: bool = True) -> tuple[tuple[str, ...], Path, Node]:
    """The names on the way, the way as errors show it, and the schema at its end. Raises `FieldPathError`."""
    tokens = _TOKEN.findall(text)
    names: list[str] = []
    path, at = Path(), 0

    def token() -> str:
        nonlocal at
        if at >= len(tokens):
            raise FieldPathError("unexpected end of JSON path")
        at += 1
        return str(tokens[at - 1])

    while at < len(tokens):
        opening = token()
        if opening not in (".", "["):
            raise FieldPathError(f"expected [ or . but got: {opening}")
        if opening == "[" and not brackets:
            raise FieldPathError("array notation is not allowed")
        name = token() if opening == "." else _quoted(token())
        path, node = _step(name, path, node)
        names.append(name)
        if opening == "[" and (closing := token()) != "]":
            raise FieldPathError(f"expected ] but got {closing}")
    return tuple(names), path, node


def _step(name: str, path: Path, node: Node) -> tuple[Path, Node]:
    if node.properties:
        if name not in node.properties:
            raise FieldPathError("does not refer to a valid field")
        return path.child(name), node.properties[name]
    if isinstance(node.values, Node):
        return path.key(name), node.values
    raise FieldPathError("does not refer to a valid field")


def _quoted(token: str) -> str:
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise FieldPathError(f"expected single quoted string but got {token}")

    def unescape(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPES:
            raise FieldPathError(f"invalid string literal: invalid escape char {found[0]}")
        return _ESCAPES[found[1]]

    return re.sub(r"\\(.)", unescape, token[1:-1])
