"""One overload of a function: how it is called, and what answers."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from apiserver.cel import types

_FORM = re.compile(r"(?:(?P<before>[\w.<>, ]+)\.)?(?P<name>\w+)\((?P<arguments>.*)\) -> (?P<returns>.+)")
_TYPES = {kind.name.rpartition(".")[2]: kind.name for kind in types.OPAQUE}
_SIMPLE = ("list", "map", "string", "int", "uint", "double", "bool", "bytes", "duration", "timestamp", "dyn")


class Function(NamedTuple):
    name: str  # with its namespace: "ip.isCanonical"
    parameters: tuple[str, ...]  # the receiver first, where `member`
    returns: str
    member: bool
    run: Callable[..., Any]


def function(form: str, run: Callable[..., Any]) -> Function:
    """`Quantity.isGreaterThan(Quantity) -> bool`; `ip.isCanonical(string) -> bool` has a namespace, no receiver."""
    found = _FORM.fullmatch(form)
    assert found, form
    before, name = found["before"] or "", found["name"]
    arguments = tuple(_type(each) for each in re.split(r",\s*", found["arguments"]) if each)
    member = before.partition("<")[0] in (*_SIMPLE, *_TYPES)
    return Function(
        name if member or not before else f"{before}.{name}",
        (_type(before), *arguments) if member else arguments,
        _type(found["returns"]),
        member,
        run,
    )


def _type(name: str) -> str:
    return re.sub(r"\w+", lambda word: _TYPES.get(word[0], word[0]), name)
