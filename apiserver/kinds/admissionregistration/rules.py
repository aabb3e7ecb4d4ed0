"""Rules that name operations and resources, as webhooks and policies have them.

Source: kubernetes/pkg/apis/admissionregistration/validation (validateRuleWithOperations).
"""

from collections.abc import Sequence

from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")


def default(rule: Object) -> None:
    if rule.get("scope") is None:
        rule["scope"] = "*"


def validate(rule: Object, path: Path) -> ErrorList:
    operations, here = rule.get("operations") or [], path.child("operations")
    errors = _alone(operations, here, "operations", required=True)
    for position, each in enumerate(operations):
        if each not in OPERATIONS:
            errors.append(field.not_supported(here.index(position), each, OPERATIONS))
    groups, versions = rule.get("apiGroups") or [], rule.get("apiVersions") or []
    errors += _alone(groups, path.child("apiGroups"), "API groups", required=True)
    errors += _alone(versions, path.child("apiVersions"), "API versions", required=True)
    empty = [position for position, each in enumerate(versions) if not each]
    errors += [field.required(path.child("apiVersions").index(position)) for position in empty]
    errors += _resources(rule.get("resources") or [], path.child("resources"))
    scope = rule.get("scope")
    if scope is not None and scope not in SCOPES:
        errors.append(field.not_supported(path.child("scope"), scope, SCOPES))
    return errors


def _alone(found: Sequence[str], path: Path, noun: str, required: bool) -> ErrorList:
    """`*` stands alone."""
    if not found:
        return [field.required(path)] if required else []
    if len(found) > 1 and "*" in found:
        return [field.invalid(path, found, f"if '*' is present, must not specify other {noun}")]
    return []


def _resources(found: Sequence[str], path: Path) -> ErrorList:
    """`pods`, `pods/exec`, `pods/*`, `*/scale`, `*`, `*/*`"""
    errors: ErrorList = [] if found else [field.required(path)]
    every_sub: set[str] = set()  # x/*
    every_resource: set[str] = set()  # */x
    plain = False  # the last of those without a subresource that is not *
    for position, each in enumerate(found):
        here = path.index(position)
        if not each:
            errors.append(field.required(here))
            continue
        resource, slash, sub = each.partition("/")
        if not slash:
            plain = each != "*"
            continue
        if resource in every_sub:
            errors.append(field.invalid(here, each, f"if '{resource}/*' is present, must not specify {each}"))
        if sub in every_resource:
            errors.append(field.invalid(here, each, f"if '*/{sub}' is present, must not specify {each}"))
        if sub == "*":
            every_sub.add(resource)
        if resource == "*":
            every_resource.add(sub)
    if len(found) > 1 and "*/*" in found:
        errors.append(field.invalid(path, found, "if '*/*' is present, must not specify other resources"))
    if "*" in found and plain:
        words = "if '*' is present, must not specify other resources without subresources"
        errors.append(field.invalid(path, found, words))
    return errors
