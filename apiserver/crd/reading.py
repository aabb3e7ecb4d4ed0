"""A body of a custom kind that a client sent. Source: k8s.io/apiserver/pkg/endpoints/handlers/create.go."""

from collections.abc import Callable
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.objects.cached import encode
from apiserver.schema import decode
from apiserver.schema.shape import Mismatch, Notes, shaper
from apiserver.schema.text import Malformed
from podling.api import errors, field
from podling.api.errors import ApiError, BadRequest
from podling.api.field import Path

Object = dict[str, Any]


def read(kind: Kind, body: bytes, content_type: str, strictness: str) -> tuple[Object, list[str]]:
    """(object, warnings). It must say what it is itself. Raises `BadRequest`, `Invalid`."""
    try:
        value, doubles = decode.parse(body, content_type)
        found_version, found_kind = decode.recognize(value)
    except Malformed as error:
        raise _unrecognized(kind, str(error), body) from None
    if not found_kind:
        text = field.show(value) if value and "yaml" in content_type else body.decode(errors="replace")
        raise _unrecognized(kind, f"Object 'Kind' is missing in '{text}'", body)
    wrong = f'{found_kind} in version "{found_version.rpartition("/")[2]}" cannot be handled as a {kind.kind}: '
    notes = Notes()
    try:
        made: Object = shaper(kind.schema)(value, None, notes)
    except Mismatch as error:
        raise BadRequest(wrong + str(error)) from None
    if strictness == decode.STRICT and (doubles or notes):
        head = ["yaml: unmarshal errors:\n" + "\n".join(f"  {each}" for each in doubles)] if doubles else []
        raise BadRequest(f"{wrong}strict decoding error: {', '.join([*head, *dict.fromkeys(notes)])}")
    if found_version != kind.api_version:
        words = f"the API version in the data ({found_version}) does not match the expected API version"
        raise BadRequest(f"{words} ({kind.api_version})")
    _check_kind(kind, made, found_kind)
    return made, [] if strictness == decode.IGNORE else [*doubles, *dict.fromkeys(notes)]


def check_patched(kind: Kind, obj: Object, refusal: Callable[[str], ApiError]) -> None:
    """A patch may not make another kind of an object. Another version that is served is taken for this one."""
    assert kind.versions is not None
    if not obj.get("kind"):
        raise refusal(f"Object 'Kind' is missing in '{encode(obj).decode()}'")
    version = obj.get("apiVersion")
    if version != kind.api_version and kind.versions.kind(str(version)) is None:
        raise refusal(f"request to convert CR from an invalid group/version: {version or ''}")
    _check_kind(kind, obj, str(obj.get("kind") or ""))


def _check_kind(kind: Kind, obj: Object, found: str) -> None:
    if found != kind.kind:
        name = (obj.get("metadata") or {}).get("name", "")
        raise errors.invalid(kind.group, found, name, [field.invalid(Path("kind"), found, f"must be {kind.kind}")])


def _unrecognized(kind: Kind, why: str, body: bytes) -> BadRequest:
    return BadRequest(
        f"the object provided is unrecognized (must be of type {kind.kind}): {why} ({decode.summary(body)})"
    )
