"""Groups that belong to Kubernetes' community need an approval, told by an annotation. Pure.

Source: k8s.io/apiextensions-apiserver/pkg/apihelpers.
"""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from podling.api import field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

ANNOTATION = "api-approved.kubernetes.io"
INVALID, MISSING = "InvalidAnnotation", "MissingAnnotation"
APPROVED, BYPASSED = "ApprovedAnnotation", "UnapprovedAnnotation"
_NEED = f'protected groups must have approval annotation "{ANNOTATION}"'
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


class Approval(NamedTuple):
    """`reason` is that of the condition KubernetesAPIApprovalPolicyConformant."""

    reason: str
    message: str


def is_protected(group: str) -> bool:
    return f".{group}".endswith((".k8s.io", ".kubernetes.io"))


def approval(definition: Object) -> Approval:
    text = (definition["metadata"].get("annotations") or {}).get(ANNOTATION) or ""
    if not text:
        return Approval(MISSING, f"{_NEED}, {_SEE}")
    if text.startswith("unapproved"):
        return Approval(BYPASSED, f"not approved: {field.show(text)}")
    try:
        url = urlsplit(text)
    except ValueError:
        url = urlsplit("")
    if url.scheme and url.netloc:
        return Approval(APPROVED, f"approved in {text}")
    return Approval(INVALID, f'{_NEED} with either a URL or a reason starting with "unapproved", {_SEE}')


def validate(new: Object, old: Object | None) -> ErrorList:
    if not is_protected((new.get("spec") or {}).get("group", "")):
        return []
    found = approval(new)
    if old is not None and approval(old).reason == found.reason:
        return []
    path = Path("metadata.annotations").key(ANNOTATION)
    if found.reason == MISSING:
        return [field.required(path, found.message)]
    if found.reason == INVALID:
        return [field.invalid(path, new["metadata"]["annotations"][ANNOTATION], found.message)]
    return []
