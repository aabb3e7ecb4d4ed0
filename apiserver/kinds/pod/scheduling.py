"""Tolerations, spreading and gates: what else the scheduler looks at.

Source: kubernetes/pkg/apis/core/validation.ValidateTolerations, validateTopologySpreadConstraints.
"""

import re
from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.affinity import match_label_keys
from apiserver.kinds.taints import validate_effect
from podling.api import field
from podling.api.field import ErrorList, Path

ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
INCLUSIONS = ("Honor", "Ignore")


def validate_tolerations(tolerations: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, each in enumerate(tolerations):
        errors += _toleration(each, path.index(position))
    return errors


def _toleration(each: Object, path: Path) -> ErrorList:
    key, operator, value, effect = (each.get(name) or "" for name in ("key", "operator", "value", "effect"))
    errors = names.each(path.child("key"), key, names.qualified(key)) if key else []
    here = path.child("operator")
    if not key and operator != "Exists":
        words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(field.invalid(here, operator, words))
    if each.get("tolerationSeconds") is not None and effect != "NoExecute":
        words = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(field.invalid(path.child("effect"), effect, words))
    if operator in ("", "Equal"):
        if messages := names.label_value(value):
            errors.append(field.invalid(here, value, ";".join(messages)))
    elif operator == "Exists":
        if value:
            errors.append(field.invalid(here, value, "value must be empty when `operator` is 'Exists'"))
    elif operator in ("Gt", "Lt"):
        if not re.fullmatch(r"0|-?[1-9]\d{0,18}", value):
            errors.append(
                field.invalid(path.child("value"), value, "must be an integer when `operator` is 'Gt' or 'Lt'")
            )
    else:
        errors.append(field.not_supported(here, operator, ("Equal", "Exists")))
    return errors + validate_effect(effect, path.child("effect"), may_be_empty=True)


def validate_spread(constraints: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, each in enumerate(constraints):
        here = path.index(position)
        skew, key, action = each.get("maxSkew", 0), each.get("topologyKey", ""), each.get("whenUnsatisfiable", "")
        if skew <= 0:
            errors.append(field.invalid(here.child("maxSkew"), skew, "must be greater than zero"))
        if not key:
            errors.append(field.required(here.child("topologyKey"), "can not be empty"))
        if action not in ACTIONS:
            errors.append(field.not_supported(here.child("whenUnsatisfiable"), action, ACTIONS))
        for other in constraints[position + 1 :]:
            if (other.get("topologyKey"), other.get("whenUnsatisfiable")) == (key, action):
                twice = here.child("{topologyKey, whenUnsatisfiable}")
                errors.append(field.duplicate(twice, f"{{{key}, {action}}}"))
        errors += _min_domains(each.get("minDomains"), action, here.child("minDomains"))
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if each.get(name) is not None and each[name] not in INCLUSIONS:
                errors.append(field.not_supported(here.child(name), each[name], INCLUSIONS))
        errors += _keys(each, here.child("matchLabelKeys"))
        errors += names.selector(each.get("labelSelector"), here.child("labelSelector"))
    return errors


def _min_domains(count: int | None, action: str, path: Path) -> ErrorList:
    if count is None:
        return []
    errors = [] if count > 0 else [field.invalid(path, count, "must be greater than zero")]
    if action != "DoNotSchedule":
        words = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(field.invalid(path, count, words))
    return errors


def _keys(constraint: Object, path: Path) -> ErrorList:
    keys = constraint.get("matchLabelKeys") or ()
    if not keys:
        return []
    selector = constraint.get("labelSelector")
    errors: ErrorList = []
    if selector is None:
        errors.append(field.forbidden(path, "must not be specified when labelSelector is not set"))
        selector = {}
    errors += match_label_keys(keys, path)
    selected = {*(selector.get("matchLabels") or ())}
    selected |= {each.get("key") for each in _written(selector.get("matchExpressions") or [], keys)}
    for position, key in enumerate(keys):
        if key in selected:
            errors.append(field.invalid(path.index(position), key, "exists in both matchLabelKeys and labelSelector"))
    return errors


def _written(expressions: Sequence[Object], keys: Sequence[str]) -> Sequence[Object]:
    """Without those that the keys themselves have put there, at the end."""
    last = len(expressions)
    while last and expressions[last - 1].get("operator") == "In" and expressions[last - 1].get("key") in keys:
        last -= 1
        if len(expressions) - last == len(keys):
            break
    return expressions[:last]


def validate_readiness_gates(gates: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, gate in enumerate(gates):
        kind = gate.get("conditionType", "")
        errors += names.each(path.index(position).child("conditionType"), kind, names.qualified(kind))
    return errors


def validate_scheduling_gates(gates: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, gate in enumerate(gates):
        here, name = path.index(position), gate.get("name", "")
        errors += names.each(here, name, names.qualified(name))
        if name in seen:
            errors.append(field.duplicate(here, name))
        seen.add(name)
    return errors
