"""Simple paths, `.spec.replicas`: where the scale subresource finds its numbers.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation and pkg/registry/customresource/etcd.go.
"""

from typing import Any

from apiserver.structural.node import MISSING, Object
from podling.api import field
from podling.api.field import ErrorList, Path


def steps(text: str) -> tuple[str, ...]:
    """`.spec.replicas` as its names."""
    return tuple(text.removeprefix(".").split("."))


def get(obj: Object, text: str) -> Any:
    """The value at a path, MISSING where it leads nowhere."""
    value: Any = obj
    for name in steps(text):
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def put(obj: Object, text: str, value: Any) -> None:
    """Sets the value at a path, making the objects on the way."""
    *way, last = steps(text)
    for name in way:
        inner = obj.get(name)
        if not isinstance(inner, dict):
            inner = obj[name] = {}
        obj = inner
    obj[last] = value


def check_simple(text: str, path: Path) -> ErrorList:
    if not text:
        return [field.invalid(path, text, "must not be empty")]
    if not text.startswith("."):
        return [field.invalid(path, text, "must be a simple json path starting with .")]
    return []


def check_subresources(subresources: Object | None, path: Path) -> ErrorList:
    """What is wrong with a version's subresources."""
    scale = (subresources or {}).get("scale")
    if scale is None:
        return []
    found: ErrorList = []
    for name, above in (("specReplicasPath", "spec"), ("statusReplicasPath", "status")):
        at, text = path.child(f"scale.{name}"), scale.get(name) or ""
        if not text:
            found.append(field.required(at))
        elif wrong := check_simple(text, at):
            found += wrong
        elif not text.startswith(f".{above}."):
            found.append(field.invalid(at, text, f"should be a json path under .{above}"))
    if text := scale.get("labelSelectorPath"):
        at = path.child("scale.labelSelectorPath")
        if wrong := check_simple(text, at):
            found += wrong
        elif not text.startswith((".spec.", ".status.")):
            found.append(field.invalid(at, text, "should be a json path under either .spec or .status"))
    return found
