"""TokenRequest, which makes a token for a service account, and TokenReview, which tells whose a token is.

Source: k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage/token.go,
pkg/registry/authentication/tokenreview/storage.go, pkg/apis/authentication/validation/validation.go.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from apiserver.answer import Answer
from apiserver.authn.tokens import BOUND, SERVICE_ACCOUNTS, InvalidToken
from apiserver.context import Context
from apiserver.kinds import names
from apiserver.request import Request
from apiserver.reviews import question
from podling.api import errors, field
from podling.api.errors import BadRequest, GroupResource
from podling.api.field import Path, show
from podling.api.meta import timestamp

Object = dict[str, Any]

GROUP = "authentication.k8s.io"
DEFAULT_SECONDS = 3600
LEAST_SECONDS = 600
MOST_SECONDS = 1 << 32
TOO_SHORT = "may not specify a duration less than 10 minutes"
TOO_LONG = "may not specify a duration larger than 2^32 seconds"


async def review(context: Context, request: Request) -> Answer:
    body: Object = request.decoded
    kind = question.kind_of(context, request)
    question.wipe(body)
    question.track(context, request, body, kind.schema, kind.api_version)
    spec = body.get("spec") or {}
    if not spec.get("token"):
        raise BadRequest("token is required for TokenReview in authentication")
    audiences = tuple(spec.get("audiences") or context.authenticator.issuer.audiences)
    try:
        found = context.authenticator.token(spec["token"], audiences)
    except InvalidToken as error:
        return Answer({**body, "status": {"user": {}, "error": str(error)}}, 201)
    status = {"authenticated": True, "user": question.user_info(found.user), "audiences": list(found.audiences)}
    return Answer({**body, "status": status}, 201)


async def issue(context: Context, request: Request) -> Answer:
    asked = request.attributes
    body: Object = request.decoded
    metadata, spec = question.wipe(body), _spec(body)
    spec.setdefault("expirationSeconds", DEFAULT_SECONDS)
    kind = question.kind_of(context, request)
    sub = kind.subresource("token")
    if sub is not None and sub.schema is not None:
        question.track(context, request, body, sub.schema, f"{GROUP}/v1")
    await question.admit(context, request, kind, body)
    if metadata.get("name", asked.name) != asked.name:
        words = "must match the service account name if specified"
        found = field.invalid(Path("metadata.name"), metadata["name"], words)
        raise errors.invalid(GROUP, "TokenRequest", asked.name, [found])
    account = context.lister.get(SERVICE_ACCOUNTS, asked.namespace, asked.name)
    if account is None:
        raise errors.not_found(SERVICE_ACCOUNTS, asked.name)
    now = timestamp(context.registry.clock.now())
    metadata |= {"name": asked.name, "namespace": asked.namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now}
    audiences = spec.get("audiences") or list(context.authenticator.issuer.audiences)
    spec["audiences"] = audiences
    spec["boundObjectRef"] = spec.get("boundObjectRef")
    seconds = spec["expirationSeconds"]
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        wrong = field.invalid(
            Path("spec.expirationSeconds"), seconds, TOO_SHORT if seconds < LEAST_SECONDS else TOO_LONG
        )
        raise errors.invalid(GROUP, "TokenRequest", "", [wrong])
    bound = _bound(context, spec["boundObjectRef"], asked.namespace, asked.name)
    token, ends = context.authenticator.issuer.sign(account, audiences, seconds, bound)
    expires = timestamp(datetime.fromtimestamp(ends, UTC))
    return Answer({**body, "status": {"token": token, "expirationTimestamp": expires}}, 201)


def _spec(body: Object) -> Object:
    if not isinstance(body.get("spec"), dict):
        body["spec"] = {}
    spec: Object = body["spec"]
    return spec


def _bound(context: Context, reference: Object | None, namespace: str, account: str) -> dict[str, Object]:
    """What the token will end with; a pod brings its node along."""
    if reference is None:
        return {}
    group, _, version = reference.get("apiVersion", "").rpartition("/")
    kind, name = reference.get("kind", ""), reference.get("name", "")
    resource = BOUND.get(kind.lower()) if not group and kind in {"Pod", "Secret", "Node"} else None
    if resource is None:
        raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    if not name:
        raise BadRequest("Name parameter required.")
    if wrong := names.path_segment(name):
        raise BadRequest(f"Name parameter invalid: {show(name)}: {';'.join(wrong)}")
    target = context.lister.get(resource, "" if kind == "Node" else namespace, name)
    if target is None:
        raise errors.not_found(resource, name)
    bound = {kind.lower(): target}
    if kind == "Pod":
        if target["spec"].get("serviceAccountName", "") != account:
            who = f"cannot bind token for serviceaccount {show(account)}"
            raise BadRequest(f"{who} to pod running with different serviceaccount name.")
        if node := target["spec"].get("nodeName"):
            bound["node"] = context.lister.get(BOUND["node"], "", node) or {"metadata": {"name": node}}
    if reference.get("uid") and reference["uid"] != target["metadata"].get("uid"):
        raise errors.conflict(
            GroupResource(group, kind),
            name,
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
        )
    return bound
