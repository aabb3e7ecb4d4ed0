"""LimitRange: what containers, pods and claims of a namespace get, and how much they may ask for.

Source: kubernetes/pkg/apis/core/{v1/defaults.go,validation}. The admission plugin limitranger applies it.
"""

from collections.abc import Mapping

from apiserver.kinds import names
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.pod.amounts import STANDARD, container_resource_name, overcommits
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.pod_resources import amounts
from podling.api.quantity import WHOLE, Quantity

TYPES = ("Pod", "Container", "PersistentVolumeClaim")
PARTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
Amounts = Mapping[str, Quantity]


def default(obj: Object) -> None:
    """A container's limit is the most, its request the limit, or the least, where nobody said."""
    for each in (obj.get("spec") or {}).get("limits") or ():
        if each.get("type") == "Container":
            each["default"] = {**(each.get("max") or {}), **(each.get("default") or {})}
            requests = {**each["default"], **(each.get("defaultRequest") or {})}
            each["defaultRequest"] = {**(each.get("min") or {}), **requests}


def _stored(obj: Object, _: Object | None = None) -> None:
    """A list of nothing is stored as no list."""
    obj["spec"] = {**(obj.get("spec") or {}), "limits": (obj.get("spec") or {}).get("limits") or None}


def _created(obj: Object) -> None:
    """One that is not named is named at random."""
    _stored(obj)
    if not obj["metadata"].get("name"):
        obj["metadata"]["name"] = obj["metadata"]["uid"]


def validate(obj: Object) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path, kind = Path("spec.limits").index(position), each.get("type", "")
        errors += _type(kind, path.child("type"))
        if kind in seen:
            errors.append(field.duplicate(path.child("type"), kind))
        seen.add(kind)
        errors += _item(each, kind, path)
    return errors


def _type(kind: str, path: Path) -> ErrorList:
    if errors := names.each(path, kind, names.qualified(kind)):
        return errors
    if "/" in kind or kind in TYPES:
        return []
    return [field.invalid(path, kind, "must be a standard limit type or fully qualified")]


def _item(each: Object, kind: str, path: Path) -> ErrorList:
    found = {part: amounts(each.get(part)) for part in PARTS}
    errors: ErrorList = []
    for part in PARTS:
        if part == "maxLimitRequestRatio" and kind == "PersistentVolumeClaim":
            errors += _bounded(found, path.child("limits"))
        if kind == "Pod" and part in ("default", "defaultRequest"):
            if found.pop(part):
                errors.append(field.forbidden(path.child(part), "may not be specified when `type` is 'Pod'"))
            continue
        for name in sorted(found[part]):
            errors += _resource_name(kind, name, path.child(part).key(name))
    for name in sorted(set().union(*found.values())):
        errors += _compare(found, name, path)
    return errors


def _bounded(found: Mapping[str, Amounts], path: Path) -> ErrorList:
    if "storage" in found["min"] or "storage" in found["max"]:
        return []
    return [field.required(path, "either minimum or maximum storage value is required, but neither was provided")]


def _resource_name(kind: str, name: str, path: Path) -> ErrorList:
    if kind in ("Pod", "Container"):
        return container_resource_name(name, path)
    if errors := names.each(path, name, names.qualified(name)):
        return errors
    if "/" in name or name in STANDARD:
        return []
    return [field.invalid(path, name, "must be a standard resource type or fully qualified")]


# (larger, smaller, where the error stands, whose value is shown, words)
_ORDER = (
    ("min", "max", "min", "min", "min value {0} is greater than max value {1}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {0} is greater than default request value {1}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {0} is greater than max value {1}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {0} is greater than default limit value {1}"),
    ("min", "default", "default", "min", "min value {0} is greater than default value {1}"),
    ("default", "max", "default", "max", "default value {0} is greater than max value {1}"),
)  # fmt: skip


def _compare(found: Mapping[str, Amounts], name: str, path: Path) -> ErrorList:
    errors: ErrorList = []
    for larger, smaller, where, shown, words in _ORDER:
        one, other = found.get(larger, {}).get(name), found.get(smaller, {}).get(name)
        if one is not None and other is not None and one.nanos > other.nanos:
            value = str(found[shown][name])
            errors.append(field.invalid(path.child(where).key(name), value, words.format(one, other)))
    errors += _ratio(found, name, path.child("maxLimitRequestRatio").key(name))
    limit, request = found.get("default", {}).get(name), found.get("defaultRequest", {}).get(name)
    if limit and request and limit.nanos != request.nanos and not overcommits(name):
        words = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        errors.append(field.invalid(path.child("defaultRequest").key(name), str(request), words))
    return errors


def _ratio(found: Mapping[str, Amounts], name: str, path: Path) -> ErrorList:
    ratio, least, most = (found[part].get(name) for part in ("maxLimitRequestRatio", "min", "max"))
    errors: ErrorList = []
    if ratio and ratio.nanos < WHOLE:
        errors.append(field.invalid(path, str(ratio), f"ratio {ratio} is less than 1"))
    if ratio and least and most and least.nanos and ratio.nanos / WHOLE > most.nanos / least.nanos:
        words = f"ratio {ratio} is greater than max/min = {most.nanos / least.nanos:f}"
        errors.append(field.invalid(path, str(ratio), words))
    return errors


LIMIT_RANGE = Kind(
    group="",
    version="v1",
    kind="LimitRange",
    plural="limitranges",
    short_names=("limits",),
    schema=schema("core.v1.LimitRange"),
    default=default,
    prepare_create=_created,
    prepare_update=_stored,
    validate=validate,
    create_on_update=True,
)
