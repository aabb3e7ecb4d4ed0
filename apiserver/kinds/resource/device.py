"""One device of a slice: its attributes, capacities, taints and counters. Pure.

Source: validateDevice of kubernetes/pkg/apis/resource/validation.
"""

import re
from collections.abc import Callable

from apiserver.kinds import names
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.affinity import validate_node_selector
from apiserver.kinds.resource import identifiers
from apiserver.kinds.resource.claim_spec import EFFECTS
from apiserver.kinds.resource.lists import validate_list, validate_map, validate_set
from apiserver.kinds.resource.waiting import validate_binding_conditions
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.quantity import parse

MOST_FEATURES, MOST_VALUE, MOST_TAINTS, MOST_CONSUMPTIONS, MOST_COUNTERS, MOST_OPTIONS = 32, 64, 16, 2, 32, 10
MANY = 1 << 31
MOST_LABEL, MOST_KEY = 63, 63 + 1 + 32  # characters
ONE_NODE = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true "
    "in the ResourceSlice spec"
)
NO_NODE = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
    "ResourceSlice spec"
)
SELECTION = ("nodeName", "nodeSelector", "allNodes")
_NUMBER, _PRE = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE}(\.{_PRE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?")


def validate_device(device: Object, path: Path, *, on_nodes: bool) -> ErrorList:
    """`on_nodes`: each device says itself which nodes have it."""
    errors = identifiers.label(device.get("name", ""), path.child("name"))
    features = len(device.get("attributes") or ()) + len(device.get("capacity") or ())
    if features > MOST_FEATURES:
        words = f"the total number of attributes and capacities must not exceed {MOST_FEATURES}"
        errors.append(field.invalid(path, features, words))
    here, check = path.child("attributes"), identifiers.qualified
    errors += validate_map(device.get("attributes"), MANY, check, _attribute, here, shown=MOST_KEY)
    several = bool(device.get("allowMultipleAllocations"))
    capacity = _shared_capacity if several else _whole_capacity
    here = path.child("capacity")
    errors += validate_map(device.get("capacity"), MANY, check, capacity, here, shown=MOST_KEY)
    errors += validate_list(device.get("taints"), MOST_TAINTS, _taint, path.child("taints"))
    here = path.child("consumesCounters")
    counters = device.get("consumesCounters")
    errors += validate_set(counters, MOST_CONSUMPTIONS, _consumption, here, lambda each: each.get("counterSet", ""))
    errors += _nodes(device, path, on_nodes=on_nodes)
    return errors + validate_binding_conditions(device, path)


def _nodes(device: Object, path: Path, *, on_nodes: bool) -> ErrorList:
    if not on_nodes:
        given = [name for name in SELECTION if device.get(name) is not None]
        return [field.invalid(path, None, NO_NODE)] if given else []
    errors, given = validate_selection(device, path, SELECTION, "must not be empty")
    if not given:
        return [*errors, field.required(path, ONE_NODE)]
    return errors if len(given) == 1 else [*errors, field.invalid(path, f"{{{', '.join(given)}}}", ONE_NODE)]


def validate_selection(found: Object, path: Path, fields: tuple[str, ...], empty: str) -> tuple[ErrorList, list[str]]:
    """What is wrong with the ways in which nodes are chosen, and which ways those are."""
    errors: ErrorList = []
    given: list[str] = []
    for name in fields:
        value, here = found.get(name), path.child(name)
        if value is None:
            continue
        if name == "nodeSelector":
            errors += validate_node_selector(value, here)
        elif not value:
            why = empty if name == "nodeName" else "must be either unset or set to true"
            errors.append(field.invalid(here, value, why))
            continue
        elif name == "nodeName":
            errors += names.each(here, value, names.subdomain(value))
        given.append(f"`{name}`")
    return errors, given


def _attribute(found: Object, path: Path) -> ErrorList:
    given = [name for name in _VALUES if found.get(name) is not None]
    errors: ErrorList = []
    for name in given:
        value, check = found[name], _VALUES[name]
        if isinstance(value, list):
            if not value:
                errors.append(field.invalid(path.child(name), value, "must not be empty if specified"))
            errors += [error for at, each in enumerate(value) for error in check(each, path.child(name).index(at))]
        else:
            errors += check(value, path.child(name))
    if len(given) != 1:
        shown = internal(found, "resource.v1.DeviceAttribute") if given else ""
        errors.append(field.invalid(path, shown, "exactly one value must be specified"))
    return errors


def _any(_value: object, _path: Path) -> ErrorList:
    return []


def _text(value: str, path: Path) -> ErrorList:
    return [field.too_long(path, MOST_VALUE)] if len(value.encode()) > MOST_VALUE else []


def _version(value: str, path: Path) -> ErrorList:
    words = "must be a string compatible with semver.org spec 2.0.0"
    return ([] if _SEMVER.fullmatch(value) else [field.invalid(path, value, words)]) + _text(value, path)


_VALUES: dict[str, Callable[..., ErrorList]] = {
    **{"bool": _any, "int": _any, "string": _text, "version": _version},
    **{"bools": _any, "ints": _any, "strings": _text, "versions": _version},
}


def _whole_capacity(found: Object, path: Path) -> ErrorList:
    if found.get("requestPolicy") is None:
        return []
    return [field.forbidden(path.child("requestPolicy"), "allowMultipleAllocations must be true")]


def _shared_capacity(found: Object, path: Path) -> ErrorList:
    policy, path = found.get("requestPolicy"), path.child("requestPolicy")
    if policy is None:
        return []
    values, span, most = policy.get("validValues") or [], policy.get("validRange"), found.get("value", "0")
    if values and span is not None:
        words = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        return [field.forbidden(path, words)]
    name = "validValues" if values else "validRange" if span is not None else ""
    if not name:
        return []
    if policy.get("default") is None:
        return [field.required(path.child("default"), f"required when {name} is defined")]
    if values:
        return _options(values, policy["default"], most, path.child(name))
    return _range(span, policy["default"], most, path.child(name))


def _options(values: list[str], usual: str, most: str, path: Path) -> ErrorList:
    amounts = [parse(each).nanos for each in values]
    errors: ErrorList = []
    for place in range(1, len(values)):
        if amounts[place - 1] > amounts[place]:
            words = "values must be sorted in ascending order"
            errors.append(field.invalid(path.index(place), values[place], words))

    def option(value: str, here: Path) -> ErrorList:
        words = f"option is larger than capacity value: {most}"
        return [field.invalid(here, value, words)] if parse(value).nanos > parse(most).nanos else []

    errors += validate_set(values, MOST_OPTIONS, option, path, lambda each: str(parse(each).value))
    if parse(usual).nanos not in amounts:
        errors.append(field.invalid(path, usual, "default value is not valid according to the requestPolicy"))
    return errors


def _range(span: Object, usual: str, most: str, path: Path) -> ErrorList:
    least, top, step = span.get("min"), span.get("max"), span.get("step")
    if least is None:
        return [field.required(path.child("min"), "required when validRange is defined")]
    low, start, end = parse(least).nanos, parse(usual).nanos, parse(most).nanos
    rules = [
        (low > end, "min", least, f"min is larger than capacity value: {most}"),
        (start < low, "min", usual, f"default is less than min: {least}"),
    ]
    if top is not None:
        high = parse(top).nanos
        rules += [
            (low > high, "max", least, f"min is larger than max: {top}"),
            (high > end, "max", top, f"max is larger than capacity value: {most}"),
            (start > high, "max", usual, f"default is more than max: {top}"),
        ]
    errors = [field.invalid(path.child(name), value, words) for broken, name, value, words in rules if broken]
    return errors + (_step(step, [usual, *([top] if top is not None else [])], least, most, path.child("step"))
                     if step is not None else [])  # fmt: skip


def _step(step: str, values: list[str], least: str, most: str, path: Path) -> ErrorList:
    size, low = parse(step).nanos, parse(least)
    if size <= 0:
        return [field.invalid(path, step, "must be greater than zero")]
    errors: ErrorList = []
    one = low._replace(nanos=low.nanos + size)
    if one.nanos > parse(most).nanos:
        errors.append(field.invalid(path, step, f"one step {one} is larger than capacity value: {most}"))
    for value in values:
        if (parse(value).nanos - low.nanos) % size:
            words = f"value is not a multiple of a given step ({step}) from ({least})"
            errors.append(field.invalid(path, value, words))
    return errors


def _taint(taint: Object, path: Path) -> ErrorList:
    value, effect, here = taint.get("value") or "", taint.get("effect", ""), path.child("effect")
    errors = identifiers.label_key(taint.get("key", ""), path.child("key"))
    errors += names.each(path.child("value"), value, names.label_value(value))
    if not effect:
        return [*errors, field.required(here)]
    return errors if effect in EFFECTS else [*errors, field.not_supported(here, effect, EFFECTS)]


def _consumption(found: Object, path: Path) -> ErrorList:
    return validate_counters(found, "counterSet", path)


def validate_counters(found: Object, name: str, path: Path) -> ErrorList:
    """A set of counters, named by one of its fields."""
    named, counters = found.get(name, ""), found.get("counters") or {}
    errors = identifiers.label(named, path.child(name)) if named else [field.required(path.child(name))]
    if not counters:
        return [*errors, field.required(path.child("counters"))]
    check, here = identifiers.label, path.child("counters")
    return errors + validate_map(counters, MOST_COUNTERS, check, _any, here, shown=MOST_LABEL)
