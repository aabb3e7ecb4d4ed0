"""Objects within objects: their metadata is read as Go's ObjectMeta, and checked.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta/{coerce,algorithm,validation}.go.
"""

from typing import Any

from apiserver.kinds import names
from apiserver.objects import objectmeta
from apiserver.patch.gotext import json_kind
from apiserver.schema.load import schema
from apiserver.schema.shape import Mismatch, Notes, Where, shaper
from apiserver.structural.node import Node, Object
from podling.api import field
from podling.api.field import ErrorList, FieldError, Path


def object_meta(value: Any, where: Where | None, notes: Notes) -> Any:
    """Metadata as Go keeps it; notes tell what it does not know. Raises `Mismatch`."""
    made = shaper(schema("meta.v1.ObjectMeta"))(value if value is not None else {}, where, notes)
    if made.get("creationTimestamp", "") is None:
        del made["creationTimestamp"]
    return made


def salvaged_meta(value: Any) -> Any:
    """Metadata that was stored: fields that are wrong are dropped."""
    try:
        return object_meta(value, None, Notes())
    except Mismatch:
        if not isinstance(value, dict):
            return value
    made: Object = {}
    for name, item in value.items():
        try:
            made |= object_meta({name: item}, None, Notes())
        except Mismatch:
            continue
    return made


def coerce(value: Any, node: Node | None, path: Path, notes: Notes, *, drop: bool = False) -> FieldError | None:
    """Changes the value: the metadata of embedded objects is read; with `drop`, what is wrong goes instead."""
    if node is None or not (node.has_embedded):
        return None
    if isinstance(value, dict):
        for name in list(value):
            if node.embedded and (wrong := _coerce_member(value, name, path, notes, drop=drop)):
                return wrong
            child = node.member(name)
            if child is not None and child.has_embedded:
                below = path.child(name) if name in node.properties else path.key(name)
                if wrong := coerce(value.get(name), child, below, notes, drop=drop):
                    return wrong
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if wrong := coerce(item, node.items, path.index(position), notes, drop=drop):
                return wrong
    return None


def _coerce_member(value: Object, name: str, path: Path, notes: Notes, *, drop: bool) -> FieldError | None:
    if name in ("apiVersion", "kind") and not isinstance(value[name], str):
        if not drop:
            return field.invalid(path.child(name), value[name], "must be a string")
        del value[name]
    elif name == "metadata" and drop:
        value[name] = salvaged_meta(value[name])
    elif name == "metadata":
        unknown = Notes()
        try:
            value[name] = object_meta(value[name], None, unknown)
        except Mismatch as error:
            return field.invalid(path.child(name), value[name], str(error))
        notes += [note.replace('field "', f'field "{path.child(name)}.', 1) for note in unknown]
    return None


def check(value: Any, node: Node | None, path: Path, *, root: bool = False) -> ErrorList:
    """The rules of apiVersion, kind and metadata of every embedded object."""
    if node is None or not (root or node.has_embedded):
        return []
    found: ErrorList = []
    if isinstance(value, dict):
        if root or node.embedded:
            found += _check_object(value, path)
        for name, item in sorted(value.items()):
            child = node.member(name)
            if child is not None and child.has_embedded:
                found += check(item, child, path.child(name) if name in node.properties else path.key(name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            found += check(item, node.items, path.index(position))
    return found


def _check_object(value: Object, path: Path) -> ErrorList:
    found: ErrorList = []
    for name in ("apiVersion", "kind"):
        at, said = path.child(name), value.get(name)
        if name in value and not isinstance(said, str):
            found.append(field.invalid(at, said, "must be a string"))
        elif not said:
            found.append(field.required(at))
        elif name == "apiVersion" and said.count("/") > 1:
            found.append(field.invalid(at, said, f"unexpected GroupVersion string: {said}"))
        elif name == "kind" and (wrong := names.label_1035(said.lower())):
            words = "may have mixed case, but should otherwise match: " + ",".join(wrong)
            found.append(field.invalid(at, said, words))
    meta = value.get("metadata")
    if isinstance(meta, dict):
        found += _check_meta(meta, path.child("metadata"))
    elif meta is not None:
        words = f"json: cannot unmarshal {json_kind(meta)} into Go value of type v1.ObjectMeta"
        found.append(field.invalid(path.child("metadata"), meta, words))
    return found


def _check_meta(meta: Object, path: Path) -> ErrorList:
    found: ErrorList = []
    for name in ("generateName", "name"):
        if said := meta.get(name):
            found += [field.invalid(path.child(name), said, words) for words in names.path_segment(said)]
    if namespace := meta.get("namespace"):
        found += [field.invalid(path.child("namespace"), namespace, words) for words in names.label(namespace)]
    below = objectmeta.validate_any(meta)
    return found + [FieldError(e.reason, f"{path}{e.field.removeprefix('metadata')}", e.text) for e in below]
