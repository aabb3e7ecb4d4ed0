"""Which flow schema a request matches, and which flow of it. Pure.

Source: k8s.io/apiserver/pkg/util/flowcontrol/rule.go.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from apiserver.request import Attributes

Object = dict[str, Any]


class Flow(NamedTuple):
    """Requests that one flow schema does not tell apart."""

    schema: Object
    distinguisher: str


def ordered(schemas: Sequence[Object]) -> list[Object]:
    """As they are tried."""
    return sorted(schemas, key=lambda each: (each["spec"].get("matchingPrecedence") or 0, each["metadata"]["name"]))


def classify(schemas: Sequence[Object], asked: Attributes) -> Flow | None:
    """The first schema that matches; the mandatory last one matches everybody."""
    for schema in schemas:
        if any(_matches(rules, asked) for rules in schema["spec"].get("rules") or ()):
            return Flow(schema, _distinguisher(schema, asked))
    return None


def _distinguisher(schema: Object, asked: Attributes) -> str:
    method: str = (schema["spec"].get("distinguisherMethod") or {}).get("type", "")
    return {"ByUser": asked.user.name, "ByNamespace": asked.namespace}.get(method, "")


def _matches(rules: Object, asked: Attributes) -> bool:
    if not any(_is_meant(subject, asked) for subject in rules.get("subjects") or ()):
        return False
    if asked.resource:
        return any(_has_resource(rule, asked) for rule in rules.get("resourceRules") or ())
    return any(_has_path(rule, asked) for rule in rules.get("nonResourceRules") or ())


def _is_meant(subject: Object, asked: Attributes) -> bool:
    kind, user = subject.get("kind"), asked.user
    if kind == "User":
        return (subject.get("user") or {}).get("name") in ("*", user.name)
    if kind == "Group":
        name = (subject.get("group") or {}).get("name")
        return name == "*" or name in user.groups
    account = subject.get("serviceAccount") or {}
    prefix, name = f"system:serviceaccount:{account.get('namespace', '')}:", account.get("name")
    return user.name.startswith(prefix) and name in ("*", user.name[len(prefix) :])


def _has(words: Sequence[str] | None, word: str) -> bool:
    return bool(words) and (word in words or "*" in words)  # type: ignore[operator]


def _has_resource(rule: Object, asked: Attributes) -> bool:
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    if not (_has(rule.get("verbs"), asked.verb) and _has(rule.get("apiGroups"), asked.group)):
        return False
    if not _has(rule.get("resources"), resource):
        return False
    return _has(rule.get("namespaces"), asked.namespace) if asked.namespace else bool(rule.get("clusterScope"))


def _has_path(rule: Object, asked: Attributes) -> bool:
    if not _has(rule.get("verbs"), asked.verb):
        return False
    for url in rule.get("nonResourceURLs") or ():
        if url in ("*", asked.path) or (url.endswith("*") and asked.path.startswith(url.rstrip("*"))):
            return True
    return False
