"""The one door to patches: a content type and a body become a patched copy of an object. Pure."""

import copy
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.patch.decode import OBJECT, decode_object, decode_operations, duplicate_fields
from apiserver.patch.gotext import go_text
from apiserver.patch.json_patch import apply_json_patch
from apiserver.patch.merge_patch import apply_merge_patch
from apiserver.patch.restore import mismatch
from apiserver.patch.strategic import merge_map
from apiserver.schema.schema import Schema
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


def check_media(kind: Kind, content_type: str) -> None:
    """Raises UnsupportedMediaType. A strategic merge needs a Go struct, which custom objects have none of."""
    if kind.custom and content_type not in OF_CUSTOM:
        words = "the body of the request was in an unknown format - accepted media types include: "
        raise UnsupportedMediaType(words + ", ".join(OF_CUSTOM))
    if content_type not in PATCHES:
        raise UnsupportedMediaType("415: Unsupported Media Type", {})


def apply_patch(content_type: str, current: Object, body: bytes, schema: Schema) -> Object:
    """The patched copy of `current`, which stays as it was; parts may be shared. It is neither decoded nor defaulted:
    unknown fields and wrong types may be in it, except that a strategic merge has already been held against `schema`.

    Raises BadRequest for a body that is no patch, Invalid and refusal.Unexplained as Kubernetes does for one that does
    not apply, UnsupportedMediaType for a content type that is none of the three.
    """
    match content_type:
        case "application/json-patch+json":
            operations = decode_operations(body, "error decoding patch: ")
            patched = apply_json_patch(current, operations)
        case "application/merge-patch+json":
            patched = apply_merge_patch(current, decode_object(body, "error decoding patch: "))
        case "application/strategic-merge-patch+json":
            patched = _strategic(current, body, schema)
        case _:
            raise UnsupportedMediaType("415: Unsupported Media Type", {})
    if not isinstance(patched, dict):
        raise patch_error(content_type, body, patched, f"json: cannot unmarshal into Go value of type {OBJECT}")
    return patched


def _strategic(current: Object, body: bytes, schema: Schema) -> Object:
    patch = decode_object(body)
    patched = merge_map(copy.deepcopy(current), patch, schema)
    if why := mismatch(patched, schema):
        raise _invalid(go_text(patch), why)
    return patched


def strict_errors(content_type: str, body: bytes) -> list[str]:
    """What strict field validation holds against the patch itself, `duplicate field "spec.selector"`: an error with
    fieldValidation=Strict (see `patch_error`), a Warning header with Warn. Call it after `apply_patch` succeeded."""
    found = [f'duplicate field "{path}"' for path in duplicate_fields(body)]
    if content_type != JSON_PATCH:
        return found
    known = {"op", "path", "from", "value"}
    for position, operation in enumerate(decode_operations(body, "")):
        found += [f'unknown field "[{position}].{name}"' for name in operation if name not in known]
    return [f"json patch {words}" for words in found]


def patch_error(content_type: str, body: bytes, patched: Any, why: str) -> Invalid:
    """The refusal of a patch whose result does not decode: `why` is a decoder's message, or
    `strict decoding error: unknown field "spec.colour"`."""
    if content_type == STRATEGIC_MERGE_PATCH:
        return _invalid(go_text(decode_object(body)), why)
    return _invalid(go_text(patched), why)


def _invalid(shown: str, why: str) -> Invalid:
    return errors.invalid("", "", "", [field.invalid(field.Path("patch"), shown, why)])
