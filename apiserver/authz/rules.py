"""Policy rules: what one rule allows, and whether one set of rules covers another.

A rule is the JSON object of a Role: `verbs`, `apiGroups`, `resources`, `resourceNames`, `nonResourceURLs`.
Source: k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go and
k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from apiserver.request import Attributes

Rule = dict[str, Any]

ALL = "*"


def allows(rule: Rule, attributes: Attributes) -> bool:
    verbs = rule.get("verbs") or ()
    if attributes.verb not in verbs and ALL not in verbs:
        return False
    if not attributes.resource:
        return any(path_matches(url, attributes.path) for url in rule.get("nonResourceURLs") or ())
    groups = rule.get("apiGroups") or ()
    if attributes.group not in groups and ALL not in groups:
        return False
    if not _resource_matches(rule.get("resources") or (), attributes):
        return False
    names = rule.get("resourceNames")
    return not names or attributes.name in names


def _resource_matches(resources: Sequence[str], attributes: Attributes) -> bool:
    if ALL in resources:
        return True
    if not attributes.subresource:
        return attributes.resource in resources
    wanted = f"{attributes.resource}/{attributes.subresource}"
    return wanted in resources or f"*/{attributes.subresource}" in resources


def path_matches(rule_url: str, path: str) -> bool:
    """`/healthz` exactly, `/apis/*` everything below, `*` everything."""
    return rule_url in {ALL, path} or (rule_url.endswith(ALL) and path.startswith(rule_url.rstrip(ALL)))


def covers(owned: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The parts of `wanted` that `owned` does not hold, each of one verb, group, resource and name."""
    return [part for rule in wanted for part in breakdown(rule) if not any(_covers(own, part) for own in owned)]


def breakdown(rule: Rule) -> Iterator[Rule]:
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames")
                if not names:
                    yield part
                else:
                    yield from ({**part, "resourceNames": [name]} for name in names)
    for url in rule.get("nonResourceURLs") or ():
        yield from ({"nonResourceURLs": [url], "verbs": [verb]} for verb in verbs)


def _covers(own: Rule, part: Rule) -> bool:
    """Whether one owned rule holds a part of `breakdown`."""
    verbs = own.get("verbs") or ()
    if ALL not in verbs and part["verbs"][0] not in verbs:
        return False
    if "nonResourceURLs" in part:
        url = part["nonResourceURLs"][0]
        return any(path_matches(owned, url) for owned in own.get("nonResourceURLs") or ())
    groups = own.get("apiGroups") or ()
    if ALL not in groups and part["apiGroups"][0] not in groups:
        return False
    resources, resource = own.get("resources") or (), part["resources"][0]
    _, slash, subresource = resource.partition("/")
    if ALL not in resources and resource not in resources and not (slash and f"*/{subresource}" in resources):
        return False
    names = own.get("resourceNames")
    return not names or ("resourceNames" in part and part["resourceNames"][0] in names)


def compact(parts: Iterable[Rule]) -> list[Rule]:
    """Rules of one group and resource that differ by verb only, joined."""
    rules: list[Rule] = []
    simple: dict[tuple[Any, ...], Rule] = {}
    for rule in parts:
        groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
        names = tuple(rule.get("resourceNames") or ())
        if rule.get("nonResourceURLs") or len(groups) != 1 or len(resources) != 1 or len(names) > 1:
            rules.append(rule)
            continue
        key = (groups[0], resources[0], names)
        if key in simple:
            simple[key]["verbs"] += rule.get("verbs") or ()
        else:
            simple[key] = {**rule, "verbs": list(rule.get("verbs") or ())}
            rules.append(simple[key])
    return rules


def text(rule: Rule) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get" "delete"]}`."""
    parts = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    return "{" + ", ".join(f"{label}:{quoted(rule[key])}" for label, key in parts if rule.get(key)) + "}"


def quoted(words: Iterable[str]) -> str:
    """A list of strings as Go prints it: `["a" "b"]`."""
    return "[" + " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words) + "]"
