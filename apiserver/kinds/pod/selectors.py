"""References to a pod's own fields and its containers' resources (the downward API).

Source: kubernetes/pkg/apis/core/validation.validateObjectFieldSelector, validateContainerResourceFieldSelector.
"""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import canonical, parse

_LABELS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_FORMER = {"spec.host": "spec.nodeName"}
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_BYTES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_CPU = ("1m", "1")


def validate_field_reference(reference: Object, known: Sequence[str], path: Path) -> ErrorList:
    version, text = reference.get("apiVersion", ""), reference.get("fieldPath", "")
    if not version:
        return [field.required(path.child("apiVersion"))]
    if not text:
        return [field.required(path.child("fieldPath"))]
    label, subscript = _split(text)
    wrong = _unconvertible(version, text, label, subscript)
    if wrong:
        return [field.invalid(path.child("fieldPath"), text, f"error converting fieldPath: {wrong}")]
    if subscript is not None:
        key = subscript.lower() if label == "metadata.annotations" else subscript
        return names.each(path, subscript, names.qualified(key))
    label = _FORMER.get(label, label)
    return [] if label in known else [field.not_supported(path.child("fieldPath"), label, sorted(known))]


def _split(text: str) -> tuple[str, str | None]:
    """`metadata.labels['x']` is (`metadata.labels`, `x`)."""
    head, bracket, rest = text.partition("['")
    return (head, rest[:-2]) if bracket and head and rest.endswith("']") else (text, None)


def _unconvertible(version: str, text: str, label: str, subscript: str | None) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if subscript is not None:
        fine = label in ("metadata.annotations", "metadata.labels")
        return "" if fine else f"field label does not support subscript: {text}"
    return "" if label in _LABELS or label in _FORMER else f"field label not supported: {text}"


def validate_resource_reference(reference: Object, known: Sequence[str], path: Path, *, in_volume: bool) -> ErrorList:
    name = reference.get("resource", "")
    errors: ErrorList = []
    if in_volume and not reference.get("containerName"):
        errors.append(field.required(path.child("containerName")))
    elif not name:
        errors.append(field.required(path.child("resource")))
    elif name not in known and not name.startswith(_HUGE_PAGES):
        errors.append(field.not_supported(path.child("resource"), name, sorted(known)))
    return errors + _divisor(name, reference.get("divisor", "0"), path.child("divisor"))


def _divisor(name: str, divisor: str, path: Path) -> ErrorList:
    if not parse(divisor).nanos:
        return []
    resource = name.partition(".")[2]
    if resource == "cpu":
        known: Sequence[str] = _CPU
        words = "1m and 1 are supported with the cpu resource"
    elif resource in ("memory", "ephemeral-storage") or resource.startswith("hugepages-"):
        noun = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(resource, "hugepages")
        known = _BYTES
        words = f"{', '.join(_BYTES)} are supported with the {noun} resource"
    else:
        return []
    return [] if canonical(divisor) in known else [field.invalid(path, name, f"only divisor's values {words}")]
