"""Paths that must stay below where they start.

Source: kubernetes/pkg/apis/core/validation.validateLocalDescendingPath.
"""

from podling.api import field
from podling.api.field import ErrorList, Path


def descending(text: str, path: Path) -> ErrorList:
    errors = [field.invalid(path, text, "must be a relative path")] if text.startswith("/") else []
    return errors + without_backsteps(text, path)


def without_backsteps(text: str, path: Path) -> ErrorList:
    return [field.invalid(path, text, "must not contain '..'")] if ".." in text.split("/") else []


def non_reserved(text: str, path: Path) -> ErrorList:
    """A name in a volume: what starts with `..` belongs to the kubelet's atomic writer."""
    errors = descending(text, path)
    if text.startswith("..") and not errors:
        errors.append(field.invalid(path, text, "must not start with '..'"))
    return errors
