"""What a mutation makes of an object. Pure.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/{smd,json_patch}.go.
"""

from typing import Any

from apiserver.admission.conditions import Expression
from apiserver.admission.plugin import Admission
from apiserver.kinds.kind import Kind
from apiserver.managedfields import element
from apiserver.managedfields.fieldset import Path, show
from apiserver.managedfields.merge import merge
from apiserver.managedfields.shape import SchemaError, Shape, shape_of
from apiserver.managedfields.typed import misfit
from apiserver.patch.json_patch import NotApplicable, apply_json_patch
from apiserver.schema.schema import Schema
from podling.api.errors import ApiError

Object = dict[str, Any]


class Refused(Exception):
    """The mutation cannot be made; the message is Kubernetes'."""


def applied(current: Object, made: Object, expression: Expression, write: Admission, kind: Kind) -> Object:
    """An apply configuration, merged into the object."""
    if write.operation == "CONNECT":
        named = f"{current['apiVersion']}, Kind={current['kind']}"
        words = f"failed to convert original object to typed object: no corresponding type for /{named}"
        raise Refused(f"error applying patch: {words}")
    assert expression.program is not None
    for literal in expression.program.literals:
        if literal.expected and literal.name != literal.expected:
            words = f'unexpected type name "{literal.name}", expected "{literal.expected}"'
            raise Refused(f"type mismatch: {words}, which matches field name path from root Object type")
    shape = shape_of(_schema(write, kind))
    config = {**made, "apiVersion": current["apiVersion"], "kind": current["kind"]}
    if words := misfit(config, shape):
        raise Refused(f"error applying patch: failed to convert patch object to typed object: {words}")
    if atomics := _atomics(config, shape, ()):
        words = "may not mutate atomic arrays, maps or structs"
        raise Refused(f"error applying patch: invalid ApplyConfiguration: {words}: {', '.join(atomics)}")
    try:
        new: Object = merge(current, config, shape)
    except SchemaError as error:
        raise Refused(f"error applying patch: failed to merge patch: {error}") from None
    return new


def _schema(write: Admission, kind: Kind) -> Schema:
    sub = kind.subresource(write.subresource) if write.subresource else None
    return sub.schema if sub is not None and sub.kind and sub.schema is not None else kind.schema


def _atomics(value: Any, shape: Shape, path: Path) -> list[str]:
    """What a configuration would replace as a whole, though it may mean to change a part."""
    if shape.kind == "atomic" and isinstance(value, dict | list):
        return [show(path)]
    found: list[str] = []
    if isinstance(value, dict):
        for name, each in value.items():
            if (inner := shape.member(name)) is not None:
                found += _atomics(each, inner, (*path, element.member(name)))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            found += _atomics(each, shape.items, (*path, f"{element.INDEX}{position}"))
    return found


def patched(current: Object, operations: list[Object]) -> Object:
    """A patch whose test fails changes nothing."""
    made = [{name: value for name, value in each.items() if name != "from" or value} for each in operations]
    try:
        found: Object = apply_json_patch(current, made)
    except ApiError as error:
        cause = error.__cause__
        if isinstance(cause, NotApplicable) and str(cause).endswith("test failed"):
            return current
        raise Refused(f"JSONPath: {cause or error}") from None
    return found
