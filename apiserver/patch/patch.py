"""The one door to patches: a content type and a body become a patched copy of an object. Pure."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from apiserver.kinds.kind import Kind
from apiserver.objects.cached import encode
from apiserver.patch.decode import decode_map, decode_object, decode_operations, duplicate_fields, loose_operations
from apiserver.patch.gotext import go_text
from apiserver.patch.json_patch import apply_json_patch
from apiserver.patch.merge_patch import apply_merge_patch
from apiserver.patch.restore import restore
from apiserver.patch.strategic import merge_map
from apiserver.schema.decode import recognize
from apiserver.schema.schema import Schema
from apiserver.schema.shape import Mismatch
from apiserver.schema.text import Malformed
from podling.api import errors, field
from podling.api.errors import Invalid, UnsupportedMediaType

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_YAML = "application/apply-patch+yaml"
APPLY_CBOR = "application/apply-patch+cbor"

Object = dict[str, Any]
PATCHES = (APPLY_YAML, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)
OF_CUSTOM = (JSON_PATCH, MERGE_PATCH, APPLY_YAML)
DECODING = "error decoding patch: "


class Patched(NamedTuple):
    """`object` is neither decoded nor defaulted: unknown fields and wrong types may be in it. `notes` are what strict
    field validation holds against the patch itself, `duplicate field "spec.selector"`; `shown` is what a refusal shows:
    the patch of a strategic merge, as it is left after merging, else the object."""

    object: Object
    notes: list[str]
    shown: Callable[[], str]

    def refusal(self, why: str) -> Invalid:
        """`why` is a decoder's message, or `strict decoding error: unknown field "spec.colour"`."""
        return _invalid(self.shown(), why)


def check_media(kind: Kind, content_type: str) -> None:
    """Raises UnsupportedMediaType. A strategic merge needs a Go struct, which custom objects have none of."""
    if kind.custom and content_type not in OF_CUSTOM:
        words = "the body of the request was in an unknown format - accepted media types include: "
        raise UnsupportedMediaType(words + ", ".join(OF_CUSTOM))
    if content_type not in PATCHES:
        raise UnsupportedMediaType("415: Unsupported Media Type", {})


def apply_patch(content_type: str, current: Object, body: bytes, schema: Schema, *, checked: bool = True) -> Patched:
    """The patched copy of `current`, which stays as it was; parts may be shared. A strategic merge has been held
    against `schema` already. `checked`: fieldValidation is not Ignore; Kubernetes then reads a patch twice.

    Raises BadRequest for a body that is no patch, Invalid and refusal.Unexplained as Kubernetes does for one that does
    not apply, UnsupportedMediaType for a content type that is none of the three.
    """
    if content_type == STRATEGIC_MERGE_PATCH:
        patch = decode_object(body)
        return Patched(_strategic(current, patch, schema), _doubles(body, checked), lambda: go_text(patch))
    patched: Any
    if content_type == JSON_PATCH:
        operations = decode_operations(body, DECODING) if checked else loose_operations(body)
        notes = [f"json patch {words}" for words in (*_doubles(body, checked), *_unknown(operations, checked))]
        patched = apply_json_patch(current, operations)
    elif content_type == MERGE_PATCH:
        patch = decode_map(body, DECODING if checked else "")
        notes, patched = _doubles(body, checked), apply_merge_patch(current, patch)
    else:
        raise UnsupportedMediaType("415: Unsupported Media Type", {})
    try:
        if not schema.custom or not isinstance(patched, dict):
            recognize(patched)
    except Malformed as wrong:
        raise _invalid(_json(patched), str(wrong)) from None
    return Patched(patched, notes, lambda: _json(patched))


def _strategic(current: Object, patch: Object, schema: Schema) -> Object:
    patched = merge_map(copy.deepcopy(current), patch, schema)
    try:
        restore(patched, schema)
    except Mismatch as wrong:
        raise _invalid(go_text(patch), str(wrong)) from None
    return patched


def _doubles(body: bytes, checked: bool) -> list[str]:
    return [f'duplicate field "{path}"' for path in duplicate_fields(body)] if checked else []


def _unknown(operations: list[Object], checked: bool) -> list[str]:
    known = ("op", "path", "from", "value")
    named = [(at, name) for at, operation in enumerate(operations) for name in operation if name not in known]
    return [f'unknown field "[{at}].{name}"' for at, name in named] if checked else []


def _json(patched: Any) -> str:
    return encode(dict(sorted(patched.items())) if isinstance(patched, dict) else patched).decode()


def _invalid(shown: str, why: str) -> Invalid:
    return errors.invalid("", "", "", [field.invalid(field.Path("patch"), shown, why)])
