"""The columns that `kubectl get` prints of a custom resource.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor and the validation of columns.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from apiserver.kinds.columns import age, documented
from apiserver.kinds.kind import Column
from apiserver.patch.gotext import go_text
from apiserver.schema import scalars
from apiserver.structural.jsonpath import PathError, find, parse
from apiserver.structural.node import Object
from apiserver.structural.paths import check_simple
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("boolean", "date", "integer", "number", "string")
FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_NAME = Column(
    "Name", "string", documented("meta.v1.ObjectMeta", "name"), lambda obj: obj["metadata"].get("name", ""), "name"
)
_AGE: Object = {
    "name": "Age",
    "type": "date",
    "description": documented("meta.v1.ObjectMeta", "creationTimestamp"),
    "jsonPath": ".metadata.creationTimestamp",
}


def columns(definitions: Sequence[Object] | None) -> tuple[Column, ...]:
    """Of a version's additionalPrinterColumns; those from the first on whose path is none are left out."""
    made = [_NAME]
    for each in definitions or (_AGE,):
        path, kind = each.get("jsonPath") or "", each.get("type") or ""
        words = each.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
        try:
            cell = _cell(path, kind)
        except PathError:
            break
        made.append(
            Column(each.get("name") or "", kind, words, cell, each.get("format") or "", int(each.get("priority") or 0))
        )
    return tuple(made)


def _cell(path: str, kind: str) -> Callable[[Object], Any]:
    steps = parse(path)

    def cell(obj: Object) -> Any:
        try:
            found = find(steps, obj)
        except PathError:
            return None
        return _SHOWN[kind](found[0]) if found and kind in _SHOWN else None

    return cell


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _string(value: Any) -> str:
    if value is None:
        return "<no value>"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return go_text(value)


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return None
    if value in ("", "null"):
        return age(None)
    try:
        return age(scalars.time(value))
    except ValueError:
        return "<invalid>"


_SHOWN = {"integer": _integer, "number": _number, "boolean": _boolean, "string": _string, "date": _date}


def check_column(definition: Object, path: Path) -> ErrorList:
    """What is wrong with one of additionalPrinterColumns."""
    found: ErrorList = []
    kind, form, at = definition.get("type"), definition.get("format"), definition.get("jsonPath")
    if not definition.get("name"):
        found.append(field.required(path.child("name")))
    if not kind:
        found.append(field.required(path.child("type"), f"must be one of {','.join(TYPES)}"))
    elif kind not in TYPES:
        found.append(field.invalid(path.child("type"), kind, f"must be one of {','.join(TYPES)}"))
    if form and form not in FORMATS:
        found.append(field.invalid(path.child("format"), form, f"must be one of {','.join(FORMATS)}"))
    if not at:
        found.append(field.required(path.child("JSONPath")))
    else:
        found += check_simple(at, path.child("JSONPath"))
    return found
