"""JSON Patch (RFC 6902) with the habits of the Go library that Kubernetes uses (evanphx/json-patch v4).

They show at the edges: a missing member of an object reads as null (so `replace` creates it and `copy` copies null),
`test` of a missing member against null succeeds, a negative index counts from the end, what stands before a pointer's
first slash does not count, and only `replace` and `test` take the whole document (""). The `jsonpatch` library of
Python follows the RFC there, which is why this is our own.
"""

import copy
import json
from typing import Any

from podling.api.errors import Invalid, TooLarge
from podling.api.field import show

MOST_OPERATIONS = 10_000
MOST_COPIED_BYTES = 3 * 1024 * 1024
MISSING = "doc is missing path:"

Container = dict[str, Any] | list[Any]
Root = dict[str, Any]  # the document, under ""


class NotApplicable(Exception):
    """An operation that the document does not allow, in the words of that library. A client's own patch is refused
    without them, as in Kubernetes; of a webhook's patch they are told."""


def apply_json_patch(current: dict[str, Any], operations: list[dict[str, Any]]) -> Any:
    """The patched copy of `current`; raises TooLarge, or Invalid without a reason as Kubernetes does."""
    if len(operations) > MOST_OPERATIONS:
        raise TooLarge(
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{MOST_OPERATIONS}, got {len(operations)}"
        )
    root = {"": copy.deepcopy(current)}
    copied = 0
    try:
        for operation in operations:
            copied += _apply(root, operation)
            if copied > MOST_COPIED_BYTES:
                raise NotApplicable("too much copied")
    except NotApplicable as refused:
        raise Invalid("the server rejected our request due to an error in our request", {}) from refused
    return root[""]


def _apply(root: Root, operation: dict[str, Any]) -> int:
    try:
        return _apply_one(root, operation)
    except NotApplicable as refused:
        if str(refused).startswith(MISSING):
            raise NotApplicable(f"{operation['op']} operation does not apply: {refused}") from None
        raise


def _apply_one(root: Root, operation: dict[str, Any]) -> int:
    """One operation, in place; answers how many bytes a copy took."""
    match operation.get("op"):
        case "add":
            _add(root, _word(operation, "path"), copy.deepcopy(operation.get("value")))
        case "remove":
            _remove(root, _word(operation, "path"))
        case "replace":
            _replace(root, _word(operation, "path"), copy.deepcopy(operation.get("value")))
        case "move":
            value = _read(root, _word(operation, "from"))
            _remove(root, _word(operation, "from"))
            _add(root, _word(operation, "path"), value)
        case "copy":
            value = copy.deepcopy(_read(root, _word(operation, "from")))
            _add(root, _word(operation, "path"), value)
            return len(json.dumps(value))
        case "test":
            path = _word(operation, "path")
            if not same(_read(root, path) if path else root[""], operation.get("value")):
                raise NotApplicable(f"testing value {operation['path']} failed: test failed")
        case other:
            raise NotApplicable(f"Unexpected kind: {other if isinstance(other, str) else 'unknown'}")
    return 0


def same(left: Any, right: Any) -> bool:
    """Equal as JSON texts are: 1 is neither 1.0 nor true."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _word(operation: dict[str, Any], name: str) -> str:
    word = operation.get(name)
    if not isinstance(word, str):
        raise NotApplicable(f"{name} is missing")
    return word


def _find(root: Root, pointer: str) -> tuple[Container, str]:
    """The container that holds what a pointer names, and the last part of the pointer."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts:
        raise NotApplicable(f"{MISSING} {show(pointer)}: missing value")
    found: Any = root[""]
    for part in parts[:-1]:
        found = _get(found, part)
        if not isinstance(found, dict | list):
            raise NotApplicable(f"{MISSING} {show(pointer)}: missing value")
    return found, parts[-1]


def _index(container: list[Any], key: str, last: int) -> int:
    """A position in 0..last; raises for what is none."""
    digits = key[1:] if key[:1] in "+-" else key
    if not (digits.isascii() and digits.isdigit()):
        raise NotApplicable(f"not an index: {key}")
    position = int(key)
    if position < 0:
        position += last + 1
    if not 0 <= position <= last:
        raise NotApplicable(f"no such index: {key}")
    return position


def _get(container: Container, key: str) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    return container[_index(container, key, len(container) - 1)]


def _read(root: Root, pointer: str) -> Any:
    return _get(*_find(root, pointer))


def _replace(root: Root, pointer: str, value: Any) -> None:
    if not pointer:
        if isinstance(value, dict | list):  # a scalar is no document, and no error
            root[""] = value
        return
    container, key = _find(root, pointer)
    if isinstance(container, dict):
        container[key] = value
    else:
        container[_index(container, key, len(container) - 1)] = value


def _add(root: Root, pointer: str, value: Any) -> None:
    container, key = _find(root, pointer)
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(container, key, len(container)), value)


def _remove(root: Root, pointer: str) -> None:
    container, key = _find(root, pointer)
    if isinstance(container, list):
        del container[_index(container, key, len(container) - 1)]
    elif key in container:
        del container[key]
    else:
        words = f"Unable to remove nonexistent key: {key}: missing value"
        raise NotApplicable(f"error in remove for path: '{pointer}': {words}")
