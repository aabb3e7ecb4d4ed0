"""From the bytes of a body to an object that the pipeline can work on. Pure.

    bytes ──text──▶ values ──recognize──▶ apiVersion, kind ──shape──▶ object, notes

Every refusal is a 400 in the words of k8s.io/apiserver's decoder (pkg/endpoints/handlers/rest.go:
transformDecodeError); notes are what field validation objects to: an error under Strict, warnings under Warn.
"""

from collections.abc import Sequence
from typing import Any

from apiserver.schema.empties import Empties
from apiserver.schema.schema import Schema
from apiserver.schema.scheme import go_version, registered
from apiserver.schema.shape import Mismatch, Notes, mismatch, shaper
from apiserver.schema.text import Malformed, parse_json, parse_yaml, plain
from podling.api.errors import BadRequest

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"
SCHEME = "pkg/api/legacyscheme/scheme.go:30"
_ENVELOPE = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
_PARSE = "couldn't get version/kind; json parse error: "
_SUMMARY_BYTES = 30


def decode(
    body: bytes,
    content_type: str,
    schema: Schema | None,
    *,
    kind: str,
    api_version: str,
    strictness: str = WARN,
    also: Sequence[str] = (),
    empties: Empties | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """(object, warnings). `kind` and `api_version` are what the path serves; a body may leave them out. `also` are
    other versions of the same form, which a body may say. `empties` is told what rules see of it besides.

    Without a schema (a custom resource, whose own schema prunes later) only the text and the envelope are checked.
    Raises `BadRequest`.
    """
    try:
        value, doubles = parse(body, content_type, exact=strictness != IGNORE)
        found_version, found_kind = recognize(value)
    except Malformed as error:
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind}): {error} ({summary(body)})"
        ) from None
    found_version, found_kind = found_version or api_version, found_kind or kind
    if found_kind == kind and found_version in also:
        found_version = api_version
    return shape(
        {} if value is None else value,
        schema,
        kind=kind,
        api_version=api_version,
        found_version=found_version,
        found_kind=found_kind,
        strictness=strictness,
        doubles=doubles,
        empties=empties,
    )


def parse(body: bytes, content_type: str, *, exact: bool = True) -> tuple[Any, list[str]]:
    """(value, keys that stand twice in YAML). Raises `Malformed`."""
    if "yaml" in content_type:
        return parse_yaml(body)
    try:
        return parse_json(body, exact=exact), []
    except Malformed as error:
        raise Malformed(_PARSE + str(error)) from None


def shape(
    value: Any,
    schema: Schema | None,
    *,
    kind: str,
    api_version: str,
    found_version: str = "",
    found_kind: str = "",
    strictness: str = WARN,
    doubles: list[str] | None = None,
    empties: Empties | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """As `decode`, of values that were parsed before: what a patch made, say."""
    found_version, found_kind = found_version or api_version, found_kind or kind
    wrong = f'{found_kind} in version "{found_version.rpartition("/")[2]}" cannot be handled as a {kind}: '
    if schema is not None and (found_version, found_kind) != (api_version, kind):
        _refuse_other(wrong, kind, api_version, found_version, found_kind)
    notes = Notes()
    try:
        made: dict[str, Any] = shaper(schema)(value, None, notes) if schema is not None else plain(value)
    except Mismatch as error:
        raise BadRequest(wrong + str(error)) from None
    if empties is not None:
        empties.keep(notes.empties)
    envelope = {"kind": found_kind, "apiVersion": found_version}
    made = {**envelope, **made, **envelope}
    if strictness == STRICT and (doubles or notes):
        head = ["yaml: unmarshal errors:\n" + "\n".join(f"  {each}" for each in doubles)] if doubles else []
        raise BadRequest(f"{wrong}strict decoding error: {', '.join([*head, *dict.fromkeys(notes)])}")
    return made, [] if strictness == IGNORE else [*(doubles or ()), *dict.fromkeys(notes)]


def recognize(value: Any) -> tuple[str, str]:
    """(apiVersion, kind) of a body. Raises `Malformed`."""
    if not isinstance(value, dict):
        if value is None:
            return "", ""
        raise Malformed(_PARSE + str(mismatch(value, None, "")).removesuffix(" of type ") + " of type " + _ENVELOPE)
    for key in ("apiVersion", "kind"):
        item = value.get(key)
        if item is not None and not isinstance(item, str):
            words = str(mismatch(item, None, "string")).replace("Go value", f"Go struct field .{key}")
            raise Malformed(_PARSE + words)
    return value.get("apiVersion") or "", value.get("kind") or ""


def _refuse_other(wrong: str, kind: str, api_version: str, found_version: str, found_kind: str) -> None:
    """A body of another kind than the path serves."""
    if why := foreign(kind, api_version, found_version, found_kind):
        raise BadRequest(wrong + why)
    raise BadRequest(
        f"the API version in the data ({found_version}) does not match the expected API version ({api_version})"
    )


def foreign(kind: str, api_version: str, found_version: str, found_kind: str) -> str:
    """Why what says to be of another kind cannot be read as one of this; "" where it is another version of it."""
    if not registered(found_version, found_kind):
        return f'no kind "{found_kind}" is registered for version "{found_version}" in scheme "{SCHEME}"'
    group = api_version.rpartition("/")[0].partition(".")[0]
    if found_kind == kind and found_version.rpartition("/")[0].partition(".")[0] == group:
        return ""
    found = f"{go_version(found_version, found_kind)}.{found_kind}"
    return f"converting ({found}) to ({group or 'core'}.{kind}): unknown conversion"


def summary(body: bytes) -> str:
    """The beginning of a body that is not understood, as its refusal shows it."""
    if not body:
        return "<empty>"
    more = " ..." if len(body) > _SUMMARY_BYTES else ""
    head = body[:_SUMMARY_BYTES]
    return (head.decode("utf-8", "replace") if head[:1] == b"{" else head.hex()) + more
