"""SubjectAccessReview and its kin: may this user do that?

Source: k8s.io/kubernetes/pkg/registry/authorization, pkg/apis/authorization/validation/validation.go.
"""

from typing import Any

from apiserver.answer import Answer
from apiserver.authz.rbac import joined
from apiserver.context import Context
from apiserver.kinds import names
from apiserver.request import Attributes, Request, User
from apiserver.reviews import question, selection
from podling.api import errors, field
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

GROUP = "authorization.k8s.io"
SPEC = Path("spec")
RESOURCE = SPEC.child("resourceAttributes")
OTHER = SPEC.child("nonResourceAttributes")


async def review_self(context: Context, request: Request) -> Answer:
    body, spec = await _asked(context, request)
    _refuse(_check_attributes(spec) + _check_selectors(spec) + _check_metadata(body, ()))
    return _answer(context, body, request.attributes.user)


async def review(context: Context, request: Request) -> Answer:
    body, spec = await _asked(context, request)
    _refuse(_check_attributes(spec) + _check_user(spec) + _check_selectors(spec) + _check_metadata(body, ()))
    return _answer(context, body, subject(spec))


async def review_local(context: Context, request: Request) -> Answer:
    body, spec = await _asked(context, request)
    namespace = request.attributes.namespace
    found = _check_attributes(spec) + _check_user(spec) + _check_selectors(spec)
    found += _check_metadata(body, ("namespace",))
    said = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if spec.get("resourceAttributes") is not None and said != namespace:
        found.append(field.invalid(RESOURCE.child("namespace"), said, "must match metadata.namespace"))
    if spec.get("nonResourceAttributes") is not None:
        found.append(field.invalid(OTHER, _shown(spec), "disallowed on this kind of request"))
    _refuse(found)
    return _answer(context, body, subject(spec))


async def _asked(context: Context, request: Request) -> tuple[Object, Object]:
    """The body, with what the caller set noted, and its spec."""
    body: Object = request.decoded
    kind = question.kind_of(context, request)
    question.wipe(body)
    question.track(context, request, body, kind.schema, kind.api_version)
    await question.admit(context, request, kind, body)
    spec = body.get("spec")
    if not isinstance(spec, dict):
        spec = body["spec"] = {}
    return body, spec


def _answer(context: Context, body: Object, user: User) -> Answer:
    decision = context.authorizer.authorize(attributes(user, body["spec"]))
    status: Object = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    if ignored := selection.ignored(body["spec"].get("resourceAttributes") or {}):
        status["evaluationError"] = joined(ignored)
    return Answer({**body, "status": status}, 201)


def subject(spec: Object) -> User:
    extra = {key.lower(): tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def attributes(user: User, spec: Object) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb", ""), path=path.get("path", ""))
    asked = spec["resourceAttributes"]
    parts = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    said = {name: asked.get(name, "") for name in parts}
    return Attributes(user, field_selector=selection.fields(asked.get("fieldSelector") or {}).query, **said)


def _check_attributes(spec: Object) -> ErrorList:
    if spec.get("resourceAttributes") is None and spec.get("nonResourceAttributes") is None:
        words = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [field.invalid(RESOURCE, None, words)]
    if spec.get("resourceAttributes") is not None and spec.get("nonResourceAttributes") is not None:
        return [field.invalid(OTHER, _shown(spec), "cannot be specified in combination with resourceAttributes")]
    return []


def _check_selectors(spec: Object) -> ErrorList:
    found: ErrorList = []
    for name in ("fieldSelector", "labelSelector"):
        selector = (spec.get("resourceAttributes") or {}).get(name)
        if selector is None:
            continue
        path, raw, terms = RESOURCE.child(name), selector.get("rawSelector"), selector.get("requirements") or ()
        if raw and terms:
            words = "may not specified at the same time as requirements"
            found.append(field.invalid(path.child("rawSelector"), raw, words))
        elif not raw and not terms:
            words = f"when {path} is specified, requirements or rawSelector is required"
            found.append(field.required(path.child("requirements"), words))
        for at, term in enumerate(terms):
            found += _check_term(term, path.child("requirements").index(at), labels=name == "labelSelector")
    return found


def _check_term(term: Object, path: Path, *, labels: bool) -> ErrorList:
    """Operators that nobody here knows may be a newer client's."""
    key, operator, values = term.get("key", ""), term.get("operator", ""), term.get("values") or ()
    found: ErrorList = []
    if not labels and not key:
        found.append(field.required(path.child("key"), "must be specified"))
    if operator in ("In", "NotIn") and not values:
        found.append(field.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
    if operator in ("Exists", "DoesNotExist") and values:
        words = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        found.append(field.forbidden(path.child("values"), words))
    if labels:
        found += [field.invalid(path.child("key"), key, words) for words in names.qualified(key)]
        for at, value in enumerate(values):
            found += [field.invalid(path.child("values").index(at), value, words) for words in names.label_value(value)]
    return found


def _shown(spec: Object) -> Object:
    """The attributes of a path as Kubernetes shows them."""
    path = spec["nonResourceAttributes"]
    return {"Path": path.get("path", ""), "Verb": path.get("verb", "")}


def _check_user(spec: Object) -> ErrorList:
    if spec.get("user") or spec.get("groups"):
        return []
    return [field.invalid(SPEC.child("user"), "", "at least one of user or group must be specified")]


def _check_metadata(body: Object, allowed: tuple[str, ...]) -> ErrorList:
    metadata = body["metadata"]
    if not any(value for key, value in metadata.items() if key not in (*allowed, "managedFields")):
        return []
    words = "must be empty" + (f" except for {allowed[0]}" if allowed else "")
    return [field.invalid(Path("metadata"), metadata, words)]


def _refuse(found: ErrorList) -> None:
    if found:
        raise errors.invalid(GROUP, "", "", found)
