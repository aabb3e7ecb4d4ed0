"""`authorizer.group('apps').resource('deployments').check('create').allowed()`: may the caller do something else?

A question is built up part by part; the parts are JSON in the text of the value. Who answers is not in a value: it is
`Authorizer`, the value of the variable, for as long as the evaluation runs. Source: apiserver/pkg/cel/library/authz.go.
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from apiserver.authz.decision import Decision
from apiserver.cel import types
from apiserver.cel.errors import EvalError
from apiserver.cel.library.function import Function, function
from apiserver.cel.types import Opaque, Simple
from apiserver.request import Attributes, User


class Authorizer(NamedTuple):
    """The variable `authorizer`: whose rights are asked, and who knows them."""

    user: User
    authorize: Callable[[Attributes], Decision]


ASKED: ContextVar[Authorizer] = ContextVar("ASKED")
START = Opaque(types.AUTHORIZER.name, "{}")


def _with(kind: Simple, value: Opaque, **parts: str) -> Opaque:
    return Opaque(kind.name, json.dumps({**json.loads(value.text), **parts}))


def _set(kind: Simple, part: str) -> Callable[[Opaque, str], Opaque]:
    return lambda value, text: _with(kind, value, **{part: text})


def _path(value: Opaque, path: str) -> Opaque:
    if not path.strip():
        raise EvalError("path must not be empty")
    return _with(types.PATH_CHECK, value, path=path)


def _resource(value: Opaque, resource: str) -> Opaque:
    if not resource.strip():
        raise EvalError("resource must not be empty")
    return _with(types.RESOURCE_CHECK, value, resource=resource)


def _service_account(value: Opaque, namespace: str, name: str) -> Opaque:
    from apiserver.kinds import names  # late: kinds have expressions

    if names.subdomain(name):
        raise EvalError("Invalid service account name")
    if names.label(namespace):
        raise EvalError("Invalid service account namespace")
    return _with(types.AUTHORIZER, value, account=f"{namespace}:{name}")


def _check(value: Opaque, verb: str) -> Opaque:
    parts: dict[str, str] = json.loads(value.text)
    asked = ASKED.get()
    user = asked.user
    if account := parts.pop("account", ""):
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account.partition(':')[0]}")
        user = User(f"system:serviceaccount:{account}", (*groups, "system:authenticated"))
    parts.pop("label_selector", "")
    version = {} if "path" in parts else {"version": "*"}
    decision = asked.authorize(Attributes(user, verb, **version, **parts))
    return Opaque(types.DECISION.name, json.dumps([decision.allowed, decision.reason]))


def _decision(value: Opaque) -> Any:
    return json.loads(value.text)


_HERE = types.RESOURCE_CHECK
FUNCTIONS: tuple[Function, ...] = (
    function("Authorizer.path(string) -> PathCheck", _path),
    function("Authorizer.group(string) -> GroupCheck", _set(types.GROUP_CHECK, "group")),
    function("Authorizer.serviceAccount(string, string) -> Authorizer", _service_account),
    function("GroupCheck.resource(string) -> ResourceCheck", _resource),
    function("ResourceCheck.subresource(string) -> ResourceCheck", _set(_HERE, "subresource")),
    function("ResourceCheck.namespace(string) -> ResourceCheck", _set(_HERE, "namespace")),
    function("ResourceCheck.name(string) -> ResourceCheck", _set(_HERE, "name")),
    function("ResourceCheck.fieldSelector(string) -> ResourceCheck", _set(_HERE, "field_selector")),
    function("ResourceCheck.labelSelector(string) -> ResourceCheck", _set(_HERE, "label_selector")),
    function("PathCheck.check(string) -> Decision", _check),
    function("ResourceCheck.check(string) -> Decision", _check),
    function("Decision.allowed() -> bool", lambda value: _decision(value)[0]),
    function("Decision.reason() -> string", lambda value: _decision(value)[1]),
    function("Decision.errored() -> bool", lambda value: False),
    function("Decision.error() -> string", lambda value: ""),
)
