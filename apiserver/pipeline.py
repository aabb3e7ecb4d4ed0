"""The one road of every call, whichever face it came in by.

authenticate (the face) → authorize → resolve → verb: decode → default → admit → validate → compare-and-swap → answer
"""

from collections.abc import Awaitable, Callable

from apiserver.answer import Answer, ListAnswer, WatchAnswer
from apiserver.authz.decision import forbidden_error
from apiserver.context import Context
from apiserver.crd import serving
from apiserver.handlers import STREAMS
from apiserver.kinds import names
from apiserver.kinds.kind import Kind
from apiserver.refusal import NothingHere, no_such_resource, not_allowed
from apiserver.request import Attributes, Request
from apiserver.verbs.call import Call
from apiserver.verbs.create import create
from apiserver.verbs.delete import delete, delete_collection
from apiserver.verbs.get import get
from apiserver.verbs.list import list_
from apiserver.verbs.patch import patch
from apiserver.verbs.update import update
from apiserver.verbs.watch import watch
from podling.api.errors import BadRequest
from podling.api.field import show

Result = Answer | ListAnswer | WatchAnswer

VERBS: dict[str, Callable[[Call], Awaitable[Result]]] = {
    "create": create,
    "get": get,
    "list": list_,
    "watch": watch,
    "update": update,
    "patch": patch,
    "delete": delete,
    "deletecollection": delete_collection,
}

NEED_NAME = ("get", "update", "patch", "delete")
NEED_NAMESPACE = ("create", "deletecollection", *NEED_NAME)


def authorize(context: Context, attributes: Attributes, annotations: dict[str, str] | None = None) -> None:
    """Raises `Forbidden`; `annotations` are told what was decided."""
    decision = context.authorizer.authorize(attributes)
    if annotations is not None:
        annotations["authorization.k8s.io/decision"] = "allow" if decision.allowed else "forbid"
        annotations["authorization.k8s.io/reason"] = decision.reason
    if not decision.allowed:
        raise forbidden_error(attributes, decision)


def resolve(context: Context, request: Request) -> Call:
    """What the address means; raises NotFound for what nobody serves, MethodNotAllowed for what it does not take."""
    asked = request.attributes
    kind = context.kinds.find(asked.group, asked.version, asked.resource)
    if kind is None or (asked.namespace and not kind.namespaced and kind.plural != "namespaces"):
        raise NothingHere() if context.kinds.is_custom(asked.group, asked.version) else no_such_resource()
    if kind.custom:
        serving.check(context.lister, asked, kind)
    if kind.deprecated:
        request.warnings.append(kind.deprecated)
    if asked.subresource:
        sub = kind.subresource(asked.subresource)
        if sub is None or not asked.name:
            raise no_such_resource()
        if asked.verb not in sub.verbs:
            raise not_allowed()
        _check_name(asked.name)
        return Call(context, request, kind, sub)
    if kind.namespaced and not asked.namespace and (asked.name or "list" not in kind.verbs):
        raise no_such_resource()
    if not _takes(kind, asked):
        raise not_allowed()
    _check_name(asked.name)
    return Call(context, request, kind, None)


def _check_name(name: str) -> None:
    if wrong := names.path_segment(name):
        raise BadRequest(f"Name parameter invalid: {show(name)}: {';'.join(wrong)}")


def _takes(kind: Kind, asked: Attributes) -> bool:
    if asked.verb not in kind.verbs or asked.verb not in VERBS:
        return False
    if asked.verb in NEED_NAME and not asked.name:
        return False
    if asked.verb == "create" and asked.name:
        return False
    return bool(asked.namespace) or not kind.namespaced or asked.verb not in NEED_NAMESPACE


async def serve(call: Call) -> Result:
    asked = call.request.attributes
    if (asked.group, asked.resource, asked.subresource) in STREAMS:
        raise no_such_resource()  # a stream needs the HTTP connection: app.py serves it
    return await VERBS[asked.verb](call)
