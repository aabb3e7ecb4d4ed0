"""The words of an expression: enough of the grammar to find names and literals, and to rewrite what the engine lacks.

The engine knows no messages whose names are not declared (`Object.spec{…}` of mutations) and no Python functions that
answer an optional; both are written as what it knows: a map, and the optional element of a list.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<comment>//[^\n]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)u?)
    |(?P<space>\s+)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = "([{", ")]}"


class Token(NamedTuple):
    kind: str  # string, name, number, mark
    text: str
    start: int


def tokens(expression: str) -> Iterator[Token]:
    """Without spaces and comments."""
    for found in _TOKEN.finditer(expression):
        if found.lastgroup not in ("space", "comment"):
            yield Token(str(found.lastgroup), found[0], found.start())


def names(expression: str) -> set[str]:
    """The identifiers that may be variables: every name that does not follow a dot."""
    mentioned, before = set(), ""
    for token in tokens(expression):
        if token.kind == "name" and before != ".":
            mentioned.add(token.text)
        before = "." if token.text == "?" and before == "." else token.text
    return mentioned


def risky(expression: str, functions: frozenset[str]) -> bool:
    """Might a map that holds an optional reach one of these functions? The engine would end the process: it cannot hand
    such a map to Python. All three must be there: the function, an optional, a map that the expression makes."""
    found = [token.text for token in tokens(expression)]
    pairs = set(pairwise(found))
    optional = "optional" in found or not pairs.isdisjoint({(".", "?"), ("[", "?"), ("{", "?")})
    maps = any(each in ("{", "transformMap", "transformMapEntry") for each in found)
    return optional and maps and any((name, "(") in pairs for name in functions)


def joined(expression: str, dotted: Iterable[str]) -> str:
    """`authorizer.requestResource`, where that is a variable, is `authorizer_requestResource`: as long as before."""
    for name in dotted:
        root, field = name.split(".")
        listed = list(tokens(expression))
        for one, dot, other in zip(listed, listed[1:], listed[2:], strict=False):
            if (one.text, dot.text, other.text) == (root, ".", field):
                expression = f"{expression[: dot.start]}_{expression[dot.start + 1 :]}"
    return expression


def composed(expression: str, root: str, parts: Mapping[str, str]) -> str:
    """With the expressions that it is composed of: `variables.count > 1` is
    `cel.bind(variables_count, (…), variables_count > 1)`. `parts` may select those before them; the engine works each
    out once, where it is asked for."""
    wanted = _needed(expression, root, parts)
    dotted = [f"{root}.{name}" for name in wanted]
    text = joined(_without_has(expression, root), dotted)
    for name in reversed([each for each in parts if each in wanted]):
        part = joined(_without_has(parts[name], root), dotted)
        text = f"cel.bind({root}_{name}, ({part}\n), {text})"  # a comment in the part ends with the line
    return text


def _needed(expression: str, root: str, parts: Mapping[str, str]) -> set[str]:
    found, new = set[str](), selected(expression, root) & parts.keys()
    while new:
        found |= new
        new = {name for each in new for name in selected(parts[each], root) & parts.keys()} - found
    return found


def _without_has(expression: str, root: str) -> str:
    """`has(variables.count)` is true: what is declared is there."""
    listed = list(tokens(expression))
    for position in range(len(listed) - 6, -1, -1):
        six = listed[position : position + 6]
        if [each.text for each in six[:4]] == ["has", "(", root, "."] and six[5].text == ")":
            expression = f"{expression[: six[0].start]}true{expression[six[5].start + 1 :]}"
    return expression


def selected(expression: str, root: str) -> set[str]:
    """The fields of a variable that an expression reads: `variables.count` is "count"."""
    listed = list(tokens(expression))
    found = set()
    for position, token in enumerate(listed[:-2]):
        if token.text == root and listed[position + 1].text == "." and listed[position + 2].kind == "name":
            found.add(listed[position + 2].text)
    return found


class Literal(NamedTuple):
    """A message literal: `Object.spec{replicas: 3}` has the name "Object.spec" and the field "replicas"; `expected` is
    the name that goes with where it stands, where that is in another literal of its root."""

    name: str
    fields: tuple[str, ...]
    expected: str = ""


def literals(expression: str, roots: tuple[str, ...]) -> list[Literal]:
    """Those whose names begin with one of the roots, in the order in which they end."""
    return _Rewriting(expression, roots).literals


def as_maps(expression: str, roots: tuple[str, ...]) -> str:
    """`Object.spec{replicas: 3}` is `{"replicas": 3}`."""
    return "".join(_Rewriting(expression, roots, maps=True).text)


def flat(expression: str, roots: tuple[str, ...]) -> str:
    """`Object.spec{replicas: 3}` is `Object_spec{replicas: 3}`: as long as before, so that places stay."""
    return "".join(_Rewriting(expression, roots).text)


class _Rewriting:
    def __init__(self, expression: str, roots: tuple[str, ...], maps: bool = False) -> None:
        self._maps = maps
        self.literals: list[Literal] = []
        self.text: list[str] = []
        self._open: list[tuple[str, list[str], str] | None] = []
        listed, position = list(tokens(expression)), 0
        end = 0
        while position < len(listed):
            token = listed[position]
            self.text.append(expression[end : token.start])
            end = token.start + len(token.text)
            name, after = _dotted(listed, position) if token.text in roots else ("", position)
            if name and _before(listed, position) != "." and after < len(listed) and listed[after].text == "{":
                self._open.append((name, [], self._expected(name)))
                self.text.append("{" if maps else expression[token.start : listed[after].start + 1].replace(".", "_"))
                position, end = after + 1, listed[after].start + 1
                continue
            self._one(listed, position)
            position += 1
        self.text.append(expression[end:])

    def _one(self, listed: list[Token], position: int) -> None:
        token = listed[position]
        inside = self._open[-1] if self._open else None
        if token.kind == "mark" and token.text in _OPEN:
            self._open.append(None)
        elif token.kind == "mark" and token.text in _CLOSE and self._open:
            closed = self._open.pop()
            if closed:
                self.literals.append(Literal(closed[0], tuple(closed[1]), closed[2]))
        elif inside and token.kind == "name" and _is_field(listed, position):
            inside[1].append(token.text)
            self.text.append(f'"{token.text}"' if self._maps else token.text)
            return
        self.text.append(token.text)

    def _expected(self, name: str) -> str:
        around = next((each for each in reversed(self._open) if each), None)
        if around is None or not around[1] or around[0].partition(".")[0] != name.partition(".")[0]:
            return ""
        return f"{around[0]}.{around[1][-1]}"


def _dotted(listed: list[Token], position: int) -> tuple[str, int]:
    """The dotted name that begins here, and where it ends."""
    name, position = listed[position].text, position + 1
    while position + 1 < len(listed) and listed[position].text == "." and listed[position + 1].kind == "name":
        name, position = f"{name}.{listed[position + 1].text}", position + 2
    return name, position


def _before(listed: list[Token], position: int) -> str:
    return listed[position - 1].text if position else ""


def _is_field(listed: list[Token], position: int) -> bool:
    begins = _before(listed, position)
    if begins == "?":
        begins = _before(listed, position - 1)
    return begins in ("{", ",") and position + 1 < len(listed) and listed[position + 1].text == ":"


def with_optionals(expression: str, functions: frozenset[str]) -> str:
    """`x.validate(y)` is `x.validate(y)[?0]`: the functions answer a list of one, or an empty one."""
    if not any(name in expression for name in functions):
        return expression
    out, end = [], 0
    stack: list[bool] = []
    before: list[Token] = []
    for token in tokens(expression):
        out.append(expression[end : token.start + len(token.text)])
        end = token.start + len(token.text)
        if token.kind == "mark" and token.text in _OPEN:
            called = len(before) > 1 and before[-1].text in functions and before[-2].text == "."
            stack.append(token.text == "(" and called)
        elif token.kind == "mark" and token.text in _CLOSE and stack and stack.pop():
            out.append("[?0]")
        before.append(token)
    return "".join([*out, expression[end:]])
