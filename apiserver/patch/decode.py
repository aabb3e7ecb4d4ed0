"""A patch's body: JSON, decoded as Go decodes it, with Go's words for what it is not."""

import json
from typing import Any, cast

import msgspec

from apiserver.patch.gotext import json_kind
from apiserver.schema.syntax import syntax_error
from podling.api.errors import BadRequest

OBJECT = "map[string]interface {}"
OPERATIONS = "[]handlers.jsonPatchOp"
BAD_PATCH = "Invalid JSON Patch"
OPERATION_FIELDS = ("op", "path", "from")


def decode_object(body: bytes, prefix: str = "") -> dict[str, Any]:
    """Raises BadRequest, its message starting with `prefix`, for anything but a JSON object; `null` is an empty one."""
    value = _decode(body, prefix)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{prefix}json: cannot unmarshal {json_kind(value)} into Go value of type {OBJECT}")
    return value


def decode_map(body: bytes, prefix: str) -> Any:
    """A merge patch. Where nothing has checked it before (`prefix` is ""), a list is one, too: it replaces the object.

    Source: evanphx/json-patch v4, merge.go.
    """
    try:
        value = decode_object(body, prefix) if prefix else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refused:
        raise BadRequest(BAD_PATCH) from refused
    if not isinstance(value, dict | list) or _says_null(body):
        raise BadRequest(BAD_PATCH)
    return value


def _says_null(body: bytes) -> bool:
    return body.strip() == b"null"


def loose_operations(body: bytes) -> list[dict[str, Any]]:
    """A JSON Patch that nothing has checked: what is wrong in an operation shows when its turn comes."""
    value = _decode(body, "")
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"json: cannot unmarshal {json_kind(value)} into Go value of type jsonpatch.Patch")
    for item in value:
        if item is not None and not isinstance(item, dict):
            kind = json_kind(item)
            raise BadRequest(f"json: cannot unmarshal {kind} into Go value of type jsonpatch.Operation")
    return [item or {} for item in value]


def decode_operations(body: bytes, prefix: str) -> list[dict[str, Any]]:
    """The operations of a JSON Patch, their fields' types checked, not yet their meaning."""
    value = _decode(body, prefix)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"{prefix}json: cannot unmarshal {json_kind(value)} into Go value of type {OPERATIONS}")
    for item in value:
        if item is not None and not isinstance(item, dict):
            kind = json_kind(item)
            raise BadRequest(f"{prefix}json: cannot unmarshal {kind} into Go value of type {OPERATIONS[2:]}")
        for name in OPERATION_FIELDS:
            word = (item or {}).get(name)
            if word is not None and not isinstance(word, str):
                where = f"Go struct field jsonPatchOp.{name} of type string"
                raise BadRequest(f"{prefix}json: cannot unmarshal {json_kind(word)} into {where}")
    return [item or {} for item in value]


def _decode(body: bytes, prefix: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refused:
        raise BadRequest(prefix + (syntax_error(body) or str(refused))) from refused


def duplicate_fields(body: bytes) -> list[str]:
    """The paths of keys that stand twice in one object of a well-formed JSON text: `spec.selector`, `a[0].b`."""
    if not _maybe_duplicates(body):
        return []
    found: list[str] = []
    _walk(json.loads(body, object_pairs_hook=_Pairs), "", found)
    return found


class _Pairs(list[tuple[str, Any]]):
    """An object's members in their order, repeated ones too."""


def _maybe_duplicates(body: bytes) -> bool:
    """Cheap first look: does any object have fewer keys than members? One pass of the C decoder."""
    repeated = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        members = dict(pairs)
        repeated = repeated or len(members) < len(pairs)
        return members

    json.loads(body, object_pairs_hook=look)
    return repeated


def _walk(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, inner in cast("list[tuple[str, Any]]", value):
            where = f"{path}.{key}" if path else key
            if key in seen and where not in found:
                found.append(where)
            seen.add(key)
            _walk(inner, where, found)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            _walk(item, f"{path}[{position}]", found)
