"""MatchResources, which a policy and its bindings have: rules, exceptions, selectors.

Source: kubernetes/pkg/apis/admissionregistration/{v1/defaults.go,validation} (validateMatchResources).
"""

from collections.abc import Iterable

from apiserver.kinds import names
from apiserver.kinds.admissionregistration import rules
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

POLICIES = ("Equivalent", "Exact")
RULES = ("resourceRules", "excludeResourceRules")
SELECTORS = ("namespaceSelector", "objectSelector")
MUTABLE = ("*", "CONNECT", "CREATE", "UPDATE")


def default(found: Object) -> None:
    if found.get("matchPolicy") is None:
        found["matchPolicy"] = "Equivalent"
    for name in SELECTORS:
        found[name] = found.get(name) or {}
    for rule in _rules(found):
        rules.default(rule)


def _rules(found: Object) -> Iterable[Object]:
    return [rule for name in RULES for rule in found.get(name) or ()]


def validate(found: Object, path: Path) -> ErrorList:
    policy = found.get("matchPolicy")
    errors = [] if policy in POLICIES else [field.not_supported(path.child("matchPolicy"), policy, POLICIES)]
    for name in SELECTORS:
        errors += names.selector(found.get(name), path.child(name))
    for name in RULES:
        for position, rule in enumerate(found.get(name) or ()):
            here = path.child(name).index(position)
            errors += _resource_names(rule.get("resourceNames") or (), here.child("resourceNames"))
            errors += rules.validate(rule, here)
    return errors


def _resource_names(found: Iterable[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, name in enumerate(found):
        errors += names.each(path.index(position), name, names.path_segment(name))
        if name in seen:
            errors.append(field.duplicate(path.index(position), name))
        seen.add(name)
    return errors


def validate_mutable(found: Object, path: Path) -> ErrorList:
    """Nothing can be changed of what goes away."""
    here = path.child("resourceRules", "operations")
    asked = [each for rule in found.get("resourceRules") or () for each in rule.get("operations") or ()]
    return [field.not_supported(here, each, MUTABLE) for each in asked if each not in MUTABLE]
