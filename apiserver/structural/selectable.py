"""Fields of a custom resource that a field selector may name.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation and pkg/registry/customresource/strategy.go.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apiserver.patch.gotext import go_text
from apiserver.structural.fieldpath import FieldPathError, resolve
from apiserver.structural.node import MISSING, Object, Props, parse
from apiserver.structural.paths import get
from podling.api import field
from podling.api.field import ErrorList, Path

MOST = 8
_ALLOWED = ("string", "boolean", "integer")
_WORDS = (
    "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
)


def selectable(definitions: Sequence[Object] | None) -> Callable[[Object], Mapping[str, str]]:
    """Of a version's selectableFields: each field's text, "" where it is not there."""
    paths = [each.get("jsonPath") or "" for each in definitions or ()]
    names = {path.removeprefix("."): path for path in paths}

    def fields(obj: Object) -> Mapping[str, str]:
        return {name: _text(get(obj, path)) for name, path in names.items()}

    return fields


def _text(value: Any) -> str:
    return "" if value is MISSING or isinstance(value, dict | list) else go_text(value) if value is not None else ""


def check_selectable(definitions: Sequence[Object] | None, props: Props | None, path: Path) -> ErrorList:
    """What is wrong with a version's selectableFields; `props` is its schema."""
    if not definitions:
        return []
    if props is None:
        words = "selectableFields may only be set when version.schema.openAPIV3Schema is not included"
        return [field.invalid(path, "", words)]
    root = parse(props)
    found: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate(definitions):
        at, text = path.index(position).child("jsonPath"), each.get("jsonPath") or ""
        if not text:
            found.append(field.required(at))
            continue
        try:
            names, way, node = resolve(text, root, brackets=False)
        except FieldPathError as error:
            found.append(field.invalid(at, text, f"is an invalid path: {error}"))
            continue
        if names[0] == "metadata":
            found.append(field.invalid(at, text, "must not point to fields in metadata"))
        if node.type not in _ALLOWED:
            found.append(field.invalid(at, text, _WORDS))
        if str(way) in seen:
            found.append(field.duplicate(at, text))
        seen.add(str(way))
    if len(seen) > MOST:
        found.append(field.too_many(path, len(seen), MOST))
    return found
