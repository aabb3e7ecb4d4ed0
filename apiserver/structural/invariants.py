"""What makes a schema structural: every field has one type, said once, outside of alternatives.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go.
"""

from typing import Any

from apiserver.structural.node import Props
from apiserver.structural.pattern import compiled
from podling.api import field
from podling.api.field import ErrorList, Path

PRESERVE, EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
ROOT, ITEM, FIELD = "at the root", "for specified array items", "for specified object fields"
EITHER = [{"type": "integer"}, {"type": "string"}]
# What may not stand within allOf, anyOf, oneOf and not, and what it must be instead.
_FORBIDDEN = {
    "type": "empty",
    "additionalProperties": "undefined",
    "default": "undefined",
    "title": "empty",
    "description": "empty",
    "nullable": "false",
    "externalDocs": "undefined",
    PRESERVE: "false",
    EMBEDDED: "false",
    INT_OR_STRING: "false",
    "x-kubernetes-list-map-keys": "empty",
    "x-kubernetes-list-type": "undefined",
    "x-kubernetes-map-type": "undefined",
    "x-kubernetes-validations": "empty",
}


def invariants(props: Any, path: Path, level: str = ROOT) -> ErrorList:
    if not isinstance(props, dict):
        return []
    found: ErrorList = []
    if props.get("type") == "array" and props.get("items") is None:
        found.append(field.required(path.child("items"), "must be specified"))
    found += invariants(props.get("items"), path.child("items"), ITEM)
    for name, each in (props.get("properties") or {}).items():
        found += invariants(each, path.child("properties").key(name), FIELD)
    more = props.get("additionalProperties")
    if more is not None:
        at = path.child("additionalProperties")
        if level == ROOT:
            found.append(field.forbidden(at, "must not be used at the root"))
        found += invariants(more, at, FIELD)
    found += _extensions(props, path)
    first = next(iter(props.get("allOf") or ()), None) or {}
    found += _values(props, path, _either(props), first_either=_either(first))
    return found + _type(props, path, level) + _meta(props, path, level)


def _either(props: Props) -> bool:
    return bool(props.get("anyOf") == EITHER)


def _extensions(props: Props, path: Path) -> ErrorList:
    if not props.get(INT_OR_STRING):
        return []
    words = "must be false if x-kubernetes-int-or-string is true"
    return [field.invalid(path.child(name), True, words) for name in (PRESERVE, EMBEDDED) if props.get(name)]


def _type(props: Props, path: Path, level: str) -> ErrorList:
    found: ErrorList = []
    kind, at = props.get("type") or "", path.child("type")
    if props.get(EMBEDDED) and kind != "object":
        words = "must be object if x-kubernetes-embedded-resource is true"
        found.append(field.invalid(at, kind, words) if kind else field.required(at, words))
    elif not kind and not props.get(INT_OR_STRING) and not props.get(PRESERVE):
        found.append(field.required(at, f"must not be empty {level}"))
    if props.get(EMBEDDED) and props.get("additionalProperties") is not None:
        words = "must not be used if x-kubernetes-embedded-resource is set"
        found.append(field.forbidden(path.child("additionalProperties"), words))
    if level == ROOT and kind and kind != "object":
        found.append(field.invalid(at, kind, "must be object at the root"))
    return found


def _meta(props: Props, path: Path, level: str) -> ErrorList:
    """Metadata is what it is everywhere: a schema may restrict the root's name and generateName only."""
    found: ErrorList = []
    properties = props.get("properties") or {}
    checked = level == ROOT or props.get(EMBEDDED)
    for name in ("kind", "apiVersion"):
        if checked and name in properties and (kind := properties[name].get("type") or "") != "string":
            found.append(field.invalid(path.child("properties").key(name).child("type"), kind, "must be string"))
    if "metadata" in properties:
        meta, at = properties["metadata"], path.child("properties").key("metadata")
        kind = meta.get("type") or ""
        if checked and kind != "object":
            found.append(field.invalid(at.child("type"), kind, "must be object"))
        if level == ROOT and not _only_names(meta):
            words = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            found.append(field.forbidden(at, words))
    if props.get(EMBEDDED) and not props.get(PRESERVE) and not properties:
        words = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        found.append(field.required(path.child("properties"), words))
    return found


def _only_names(meta: Props) -> bool:
    names = set(meta.get("properties") or ())
    if not names <= {"name", "generateName"}:
        return False
    return all(name in ("type", "properties", "default") or value in _ZEROS for name, value in meta.items())


_ZEROS: tuple[Any, ...] = (None, "", False, [], {})


def _values(props: Props, path: Path, either: bool, *, first_either: bool = False) -> ErrorList:
    """The alternatives of a schema: they may restrict values, and say nothing else."""
    found: ErrorList = []
    for name in ("anyOf", "allOf", "oneOf"):
        if name == "anyOf" and either:
            continue
        for position, each in enumerate(props.get(name) or ()):
            skipped = name == "allOf" and position == 0 and first_either
            found += _nested(each, path.child(name).index(position), either=skipped)
    found += _nested(props.get("not"), path.child("not"))
    if pattern := props.get("pattern"):
        try:
            compiled(pattern)
        except ValueError as error:
            words = f"must be a valid regular expression, but isn't: {error}"
            found.append(field.invalid(path.child("pattern"), pattern, words))
    return found


def _nested(props: Any, path: Path, *, either: bool = False) -> ErrorList:
    if not isinstance(props, dict):
        return []
    found = _values(props, path, either)
    found += _nested(props.get("items"), path.child("items"))
    for name, each in (props.get("properties") or {}).items():
        found += _nested(each, path.child("properties").key(name))
    for name, wanted in _FORBIDDEN.items():
        if name in props and (props[name] not in _ZEROS or (name == "additionalProperties" and props[name] is False)):
            found.append(field.forbidden(path.child(name), f"must be {wanted} to be structural"))
    if "metadata" in (props.get("properties") or {}):
        at = path.child("properties").key("metadata")
        found.append(field.forbidden(at, "must not be specified in a nested context"))
    return found
