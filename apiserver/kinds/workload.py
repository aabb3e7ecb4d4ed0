"""What Deployments, ReplicaSets, StatefulSets and DaemonSets have in common: a selector, a template, counts in status.

Source: kubernetes/pkg/apis/apps/validation.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from apiserver.kinds import columns, names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Column, Object
from podling.api import field, selectors
from podling.api.field import ErrorList, Path
from podling.api.selectors import Selector

SPEC, STATUS = Path("spec"), Path("status")
IMMUTABLE = "field is immutable"


class Chosen(NamedTuple):
    """A selector that was looked at: `selector` None selects nothing, `unreadable` cannot be evaluated."""

    errors: ErrorList
    selector: Selector | None = None
    unreadable: bool = False


def chosen(spec: Object, noun: str, path: Path = SPEC) -> Chosen:
    found, path = spec.get("selector"), path.child("selector")
    if found is None:
        return Chosen([field.required(path)])
    errors = names.selector(found, path)
    if not found.get("matchLabels") and not found.get("matchExpressions"):
        errors.append(field.invalid(path, found, f"empty selector is invalid for {noun}"))
    if any(each.reason != "FieldValueInvalid" or "empty" not in each.text for each in errors):
        return Chosen(errors, unreadable=True)
    return Chosen(errors, selectors.from_object(found))


def validate_counts(obj: Object, fields: Sequence[str], path: Path) -> ErrorList:
    """None may be negative."""
    return [error for name in fields for error in validate_not_negative(obj.get(name), path.child(name))]


def validate_at_most(status: Object, most: str, fields: Sequence[str], words: str) -> ErrorList:
    """Pods of a sort are never more than all."""
    limit, found = status.get(most) or 0, {name: status.get(name) or 0 for name in fields}
    return [field.invalid(STATUS.child(name), value, words) for name, value in found.items() if value > limit]


def validate_no_decrease(new: Object, old: Object, name: str) -> ErrorList:
    now, was = ((each.get("status") or {}).get(name) for each in (new, old))
    if was is None or (now is not None and now >= was):
        return []
    return [field.invalid(STATUS.child(name), now or 0, "cannot be decremented")]


def immutable(new: Any, old: Any, path: Path) -> ErrorList:
    return [] if (new or None) == (old or None) else [field.invalid(path, new, IMMUTABLE)]


def validate_selector_update(new: Object, old: Object) -> ErrorList:
    """Which pods a workload owns never changes."""
    return immutable(spec_of(new).get("selector"), spec_of(old).get("selector"), SPEC.child("selector"))


def spec_of(obj: Object) -> Object:
    found: Object = obj.get("spec") or {}
    return found


def status_of(obj: Object) -> Object:
    found: Object = obj.get("status") or {}
    return found


def count(name: str, type_: str, field_name: str, label: str = "integer") -> Column:
    """A number of the status, 0 where nobody wrote it."""
    return columns.shown(name, type_, f"status.{field_name}", missing=0, kind=label)


def ready(obj: Object) -> str:
    """`1/3`"""
    return f"{status_of(obj).get('readyReplicas', 0)}/{spec_of(obj).get('replicas', 0)}"


def selector_text(found: Object | None) -> str:
    """As Kubernetes prints a selector: `app=web,tier in (api,db),!old`."""
    parts = [f"{key}={value}" for key, value in ((found or {}).get("matchLabels") or {}).items()]
    for each in (found or {}).get("matchExpressions") or ():
        if each.get("operator") not in _EXPRESSIONS:
            return "<error>"
        values = ",".join(sorted(each.get("values") or ()))
        parts.append(_EXPRESSIONS[each["operator"]].format(key=each.get("key", ""), values=values))
    return ",".join(sorted(parts, key=_key)) or columns.NONE


_EXPRESSIONS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


def _key(part: str) -> str:
    return part.lstrip("!").partition(" ")[0].partition("=")[0]


def selector_column(type_: str) -> Column:
    return Column(
        "Selector",
        "string",
        columns.documented(type_, "selector"),
        lambda obj: selector_text(spec_of(obj).get("selector")),
        priority=1,
    )
