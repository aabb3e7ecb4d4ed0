"""Binding: a pod is given its node. The path `bindings` is the older way; `pods/binding` is the same."""

from apiserver.kinds.kind import Kind, Object
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path


def validate(obj: Object) -> ErrorList:
    """Source: kubernetes/pkg/apis/core/validation.ValidatePodBinding."""
    target = obj.get("target") or {}
    errors: ErrorList = []
    if target.get("kind") not in (None, "", "Node"):
        errors.append(field.not_supported(Path("target.kind"), target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        errors.append(field.required(Path("target.name")))
    return errors


BINDING = Kind(
    group="",
    version="v1",
    kind="Binding",
    plural="bindings",
    schema=schema("core.v1.Binding"),
    verbs=("create",),
    validate=validate,
    stored=False,
)
