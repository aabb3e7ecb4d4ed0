"""The `scale` subresource of custom objects: three paths of the object, read and written as a Scale.

Source: ScaleREST and customResourceValidator of k8s.io/apiextensions-apiserver/pkg/registry/customresource.
"""

from collections.abc import Callable
from typing import Any

from apiserver.kinds.kind import Object, Subresource, View
from apiserver.kinds.scale import META, SCALE
from apiserver.kinds.strategy import READ_WRITE
from apiserver.patch.gotext import go_text, go_type
from apiserver.refusal import Unexplained
from apiserver.structural.paths import put, steps
from podling.api import field
from podling.api.errors import BadRequest, InternalError
from podling.api.field import ErrorList, Path

MOST = 2**31 - 1
UNSET = -(2**31)  # what a patch starts from where nothing is said yet


class Unreadable(ValueError):
    """A path leads to a value of another type."""


def _found(obj: Object, path: str) -> Any:
    """The value at a path, None where there is none. Raises `Unreadable`."""
    value: Any = obj
    so_far = ""
    for name in steps(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _unreadable(so_far + f".{name}", value, "map[string]interface {}")
        so_far += f".{name}"
        value = value.get(name)
    return value


def _unreadable(path: str, value: Any, wanted: str) -> Unreadable:
    return Unreadable(f"{path} accessor error: {go_text(value)} is of the type {go_type(value)}, expected {wanted}")


def number(obj: Object, path: str) -> int | None:
    value = _found(obj, path)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _unreadable(f".{'.'.join(steps(path))}", value, "int64")


def text(obj: Object, path: str) -> str:
    value = _found(obj, path)
    if value is None or isinstance(value, str):
        return value or ""
    raise _unreadable(f".{'.'.join(steps(path))}", value, "string")


def validate_replicas(obj: Object, path: str) -> ErrorList:
    """`path` is as the definition writes it, and so do refusals."""
    try:
        count = number(obj, path) or 0
    except Unreadable as error:
        return [field.invalid(Path(path), 0, str(error))]
    if count < 0:
        return [field.invalid(Path(path), count, "should be a non-negative integer")]
    if count > MOST:
        return [field.invalid(Path(path), count, f"should be less than or equal to {MOST}")]
    return []


def validate(obj: Object, scale: Object, *, spec: bool = True) -> ErrorList:
    errors = validate_replicas(obj, scale["specReplicasPath"]) if spec else []
    errors += validate_replicas(obj, scale["statusReplicasPath"])
    if path := scale.get("labelSelectorPath"):
        try:
            text(obj, path)
        except Unreadable as error:
            errors.append(field.invalid(Path(path), "", str(error)))
    return errors


def subresource(
    scale: Object,
    prepare: Callable[[Object, Object], None],
    validate_update: Callable[[Object, Object], ErrorList],
) -> Subresource:
    """`prepare` and `validate_update` are those of the object itself: a Scale changes its spec."""

    at: str = scale["specReplicasPath"]

    def shown(obj: Object, unset: int | None) -> Object:
        try:
            wanted = number(obj, at)
            there = number(obj, scale["statusReplicasPath"]) or 0
            selector = text(obj, scale["labelSelectorPath"]) if scale.get("labelSelectorPath") else ""
        except Unreadable as error:
            raise Unexplained(str(error)) from None
        wanted = unset if wanted is None else wanted
        if wanted is None:
            words = f'the spec replicas field "{at}" does not exist'
            raise InternalError(f"Internal error occurred: {words}", {"causes": [{"message": words}]})
        meta = {name: obj["metadata"][name] for name in META if name in obj["metadata"]}
        status = {"replicas": there, **({"selector": selector} if selector else {})}
        spec = {"replicas": wanted} if wanted else {}
        return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}

    def write(wanted: Object, obj: Object) -> None:
        replicas = (wanted.get("spec") or {}).get("replicas", 0)
        if replicas == UNSET:
            raise BadRequest(f'the spec replicas field "{at}" cannot be empty')
        put(obj, at, replicas)

    return Subresource(
        "scale",
        READ_WRITE,
        kind=SCALE.kind,
        group=SCALE.group,
        version=SCALE.version,
        schema=SCALE.schema,
        prepare_update=prepare,
        validate_update=validate_update,
        view=View(
            lambda obj: shown(obj, None),
            write,
            kind=SCALE,
            base=lambda obj: shown(obj, UNSET),
            renamed=(at, ".spec.replicas"),
        ),
    )
