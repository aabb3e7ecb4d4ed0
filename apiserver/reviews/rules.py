"""SelfSubjectRulesReview: everything that I may do in a namespace; `kubectl auth can-i --list`.

Source: k8s.io/kubernetes/pkg/registry/authorization/selfsubjectrulesreview/rest.go.
"""

from typing import Any

from apiserver.answer import Answer
from apiserver.authz.node import node_of
from apiserver.authz.rbac import joined
from apiserver.authz.rules import Rule
from apiserver.context import Context
from apiserver.request import Request
from podling.api.errors import BadRequest

Object = dict[str, Any]


async def review(context: Context, request: Request) -> Answer:
    body: Object = request.decoded
    namespace = (body.get("spec") or {}).get("namespace", "")
    if not namespace:
        raise BadRequest("no namespace on request")
    user = request.attributes.user
    rules, failures = context.authorizer.rbac.rules_for(user, namespace)
    if node_of(user) is not None:
        failures.append("node authorizer does not support user rule resolution")
    status: Object = {
        "resourceRules": [
            _part(rule, "apiGroups", "resources", "resourceNames") for rule in rules if rule.get("resources")
        ],
        "nonResourceRules": [_part(rule, "nonResourceURLs") for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": bool(failures),
    }
    if failures:
        status["evaluationError"] = joined(failures)
    head = {"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
    return Answer({**head, "spec": {}, "status": status}, 201)


def _part(rule: Rule, *names: str) -> Object:
    return {name: rule[name] for name in ("verbs", *names) if rule.get(name)}
