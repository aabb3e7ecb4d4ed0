"""When a Job has failed, and when it has succeeded before all its pods have: podFailurePolicy and successPolicy."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from apiserver.kinds import names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
OPERATORS = ("In", "NotIn")
STATUSES = ("False", "True", "Unknown")
MOST_RULES, MOST_CODES, MOST_PATTERNS, MOST_BYTES = 20, 255, 20, 64 * 1024


def validate_failure_policy(spec: Object, path: Path) -> ErrorList:
    rules, path = spec["podFailurePolicy"].get("rules") or (), path.child("rules")
    inner = (spec.get("template") or {}).get("spec") or {}
    containers = [each.get("name") for part in ("containers", "initContainers") for each in inner.get(part) or ()]
    errors = [field.too_many(path, len(rules), MOST_RULES)] if len(rules) > MOST_RULES else []
    for position, rule in enumerate(rules):
        errors += _failure_rule(spec, rule, containers, path.index(position))
    return errors


def _failure_rule(spec: Object, rule: Object, containers: Collection[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    action = rule.get("action", "")
    if not action:
        errors.append(field.required(path.child("action"), f"valid values: {', '.join(map(field.show, ACTIONS))}"))
    elif action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        words = "requires the backoffLimitPerIndex to be set"
        errors.append(field.invalid(path.child("action"), action, words))
    elif action not in ACTIONS:
        errors.append(field.not_supported(path.child("action"), action, ACTIONS))
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if codes is not None:
        errors += _exit_codes(codes, containers, path.child("onExitCodes"))
    if len(patterns) > MOST_PATTERNS:
        errors.append(field.too_many(path.child("onPodConditions"), len(patterns), MOST_PATTERNS))
    for position, pattern in enumerate(patterns):
        errors += _pattern(pattern, path.child("onPodConditions").index(position))
    if codes is not None and patterns:
        errors.append(field.wrong(path, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not patterns:
        errors.append(field.wrong(path, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _exit_codes(codes: Object, containers: Collection[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    operator, name, values = codes.get("operator", ""), codes.get("containerName"), codes.get("values")
    if not operator:
        errors.append(field.required(path.child("operator"), f"valid values: {', '.join(map(field.show, OPERATORS))}"))
    elif operator not in OPERATORS:
        errors.append(field.not_supported(path.child("operator"), operator, OPERATORS))
    if name is not None and name not in containers:
        words = "must be one of the container or initContainer names in the pod template"
        errors.append(field.invalid(path.child("containerName"), name, words))
    here = path.child("values")
    if not values:
        errors.append(field.invalid(here, values, "at least one value is required"))
    elif len(values) > MOST_CODES:
        errors.append(field.too_many(here, len(values), MOST_CODES))
    return errors + _codes(values or (), operator, here)


def _codes(values: Sequence[int], operator: str, path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[int] = set()
    for position, value in enumerate(values):
        if operator == "In" and value == 0:
            errors.append(field.invalid(path.index(position), value, "must not be 0 for the In operator"))
        if value in seen:
            errors.append(field.duplicate(path.index(position), value))
        seen.add(value)
    if list(values) != sorted(values):
        errors.append(field.invalid(path, values, "must be ordered"))
    return errors


def _pattern(pattern: Object, path: Path) -> ErrorList:
    kind, status = pattern.get("type", ""), pattern.get("status", "")
    errors = names.each(path.child("type"), kind, names.qualified(kind))
    if not status:
        errors.append(field.required(path.child("status"), f"valid values: {', '.join(map(field.show, STATUSES))}"))
    elif status not in STATUSES:
        errors.append(field.not_supported(path.child("status"), status, STATUSES))
    return errors


def validate_success_policy(spec: Object, path: Path) -> ErrorList:
    rules = spec["successPolicy"].get("rules") or ()
    if spec.get("completionMode") != "Indexed":
        shown = {"Rules": [{f"{name[0].upper()}{name[1:]}": rule.get(name) for name in _RULE} for rule in rules]}
        return [field.invalid(path, shown, "requires indexed completion mode")]
    path = path.child("rules")
    if not rules:
        return [field.required(path, "at least one rules must be specified when the successPolicy is specified")]
    errors = [field.too_many(path, len(rules), MOST_RULES)] if len(rules) > MOST_RULES else []
    for position, rule in enumerate(rules):
        errors += _success_rule(rule, spec.get("completions"), path.index(position))
    return errors


_RULE = ("succeededIndexes", "succeededCount")


def _success_rule(rule: Object, completions: int | None, path: Path) -> ErrorList:
    indexes, count = (rule.get(name) for name in _RULE)
    if indexes is None and count is None:
        return [field.required(path, "at least one of succeededCount or succeededIndexes must be specified")]
    errors: ErrorList = []
    total = 0
    if indexes is not None:
        here = path.child("succeededIndexes")
        if len(indexes) > MOST_BYTES:
            errors.append(field.too_long(here, MOST_BYTES))
        try:
            total = count_indexes(indexes, completions or 0)
        except ValueError as error:
            errors.append(field.invalid(here, indexes, f"error parsing succeededIndexes: {error}"))
    if count is None:
        return errors
    here = path.child("succeededCount")
    errors += validate_not_negative(count, here)
    if completions is not None and count > completions:
        words = f"must be less than or equal to {completions} (the number of specified completions)"
        errors.append(field.invalid(here, count, words))
    if indexes is not None and count > total:
        words = "the number of indexes in the specified succeededIndexes field"
        errors.append(field.invalid(here, count, f"must be less than or equal to {total} ({words})"))
    return errors


def count_indexes(text: str, completions: int) -> int:
    """How many indexes `0,2-4` names; raises `ValueError` with Kubernetes' words."""
    total, last = 0, None
    for part in text.split(",") if text else ():
        first, end = _interval(part, completions)
        if last is not None and last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        total, last = total + end - first + 1, end
    return total


def first_in_both(one: str, other: str, completions: int) -> int | None:
    """The first index that both texts name; None too where one cannot be read."""
    try:
        spans = [_interval(part, completions) for text in (one, other) for part in text.split(",") if part]
    except ValueError:
        return None
    return next((after[0] for before, after in pairwise(sorted(spans)) if after[0] <= before[1]), None)


def _interval(part: str, completions: int) -> tuple[int, int]:
    limits = part.split("-")
    if len(limits) > 2:
        words = "violates the requirement that an index interval can have at most two parts separated by '-'"
        raise ValueError(f'the fragment "{part}" {words}')
    found = []
    for limit in limits:
        if not limit.isdecimal():
            raise ValueError(f'cannot convert string to integer for index: "{limit}"')
        if int(limit) >= completions:
            raise ValueError(f'too large index: "{limit}"')
        found.append(int(limit))
    if found[0] > found[-1] or (len(found) == 2 and found[0] == found[1]):
        raise ValueError(f"non-increasing order, previous: {found[0]}, current: {found[-1]}")
    return found[0], found[-1]
