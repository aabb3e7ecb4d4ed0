"""An audit policy: the first rule that matches a request says how much is told of it. Pure.

Source: k8s.io/apiserver/pkg/audit/policy and pkg/apis/audit/validation.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from apiserver.request import Attributes
from podling.api import field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

NONE, METADATA, REQUEST, RESPONSE = "None", "Metadata", "Request", "RequestResponse"
LEVELS = (NONE, METADATA, REQUEST, RESPONSE)
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
API_VERSION = "audit.k8s.io/v1"


class Told(NamedTuple):
    """What is told of a request."""

    level: str
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False

    def has(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


class PolicyError(ValueError):
    """A policy that cannot be used, in a user's words."""


def check(policy: Any) -> Object:
    """The policy itself; raises `PolicyError`."""
    if not isinstance(policy, dict) or policy.get("kind") != "Policy" or policy.get("apiVersion") != API_VERSION:
        raise PolicyError(f"an audit policy is of kind Policy, apiVersion {API_VERSION}")
    if not policy.get("rules"):
        raise PolicyError("loaded illegal policy with 0 rules")
    errors = _stages(policy, Path())
    for position, rule in enumerate(policy["rules"]):
        errors += _rule(rule, Path("rules").index(position))
    if errors:
        raise PolicyError("; ".join(map(str, errors)))
    return policy


def _stages(holder: Object, path: Path) -> ErrorList:
    found = enumerate(holder.get("omitStages") or ())
    here = path.child("omitStages")
    return [field.not_supported(here.index(at), each, STAGES) for at, each in found if each not in STAGES]


def _rule(rule: Object, path: Path) -> ErrorList:
    errors = _stages(rule, path)
    if rule.get("level") not in LEVELS:
        errors.append(field.not_supported(path.child("level"), rule.get("level", ""), LEVELS))
    if rule.get("nonResourceURLs") and (rule.get("resources") or rule.get("namespaces")):
        words = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(field.invalid(path.child("nonResourceURLs"), rule["nonResourceURLs"], words))
    for at, url in enumerate(rule.get("nonResourceURLs") or ()):
        if url != "*" and not url.startswith("/"):
            words = "non-resource URL rules must begin with a '/' character"
            errors.append(field.invalid(path.child("nonResourceURLs").index(at), url, words))
        elif "*" in url[:-1]:
            words = "non-resource URL wildcards '*' must be the final character of the rule"
            errors.append(field.invalid(path.child("nonResourceURLs").index(at), url, words))
    for at, group in enumerate(rule.get("resources") or ()):
        if group.get("resourceNames") and not group.get("resources"):
            words = "using resourceNames requires at least one resource"
            names = path.child("resources").index(at).child("resourceNames")
            errors.append(field.invalid(names, group["resourceNames"], words))
    return errors


def told(policy: Object, asked: Attributes) -> Told:
    for rule in policy["rules"]:
        if _matches(rule, asked):
            omitted = frozenset([*(policy.get("omitStages") or ()), *(rule.get("omitStages") or ())])
            managed = rule.get("omitManagedFields")
            return Told(rule["level"], omitted, bool(policy.get("omitManagedFields") if managed is None else managed))
    return Told(NONE, frozenset(policy.get("omitStages") or ()))


def _matches(rule: Object, asked: Attributes) -> bool:
    user = asked.user
    if rule.get("users") and user.name not in rule["users"]:
        return False
    if rule.get("userGroups") and not set(rule["userGroups"]) & set(user.groups):
        return False
    if rule.get("verbs") and asked.verb not in rule["verbs"]:
        return False
    if rule.get("namespaces") or rule.get("resources"):
        return _has_resource(rule, asked)
    if rule.get("nonResourceURLs"):
        return not asked.resource and any(_has_path(url, asked.path) for url in rule["nonResourceURLs"])
    return True


def _has_resource(rule: Object, asked: Attributes) -> bool:
    if not asked.resource:
        return False
    if rule.get("namespaces") and asked.namespace not in rule["namespaces"]:
        return False
    return not rule.get("resources") or any(_in_group(group, asked) for group in rule["resources"])


def _in_group(group: Mapping[str, Any], asked: Attributes) -> bool:
    if (group.get("group") or "") != asked.group:
        return False
    resources: Sequence[str] = group.get("resources") or ()
    if not resources:
        return True
    names = group.get("resourceNames") or ()
    if names and asked.name not in names:
        return False
    whole = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    wanted = {"*", whole, f"{asked.resource}/*", *([f"*/{asked.subresource}"] if asked.subresource else ())}
    return bool(wanted & set(resources))


def _has_path(url: str, path: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url[:-1]))
