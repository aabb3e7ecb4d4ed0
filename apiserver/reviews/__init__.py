"""Questions that are asked by POST and stored nowhere: may I, who am I, is this token good, give me one."""

from collections.abc import Awaitable, Callable

from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.request import Request
from apiserver.reviews import access, identity, rules, token

AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"

HANDLERS: dict[tuple[str, str, str], Callable[[Context, Request], Awaitable[Answer]]] = {
    (AUTHORIZATION, "selfsubjectaccessreviews", ""): access.review_self,
    (AUTHORIZATION, "subjectaccessreviews", ""): access.review,
    (AUTHORIZATION, "localsubjectaccessreviews", ""): access.review_local,
    (AUTHORIZATION, "selfsubjectrulesreviews", ""): rules.review,
    (AUTHENTICATION, "selfsubjectreviews", ""): identity.review,
    (AUTHENTICATION, "tokenreviews", ""): token.review,
    ("", "serviceaccounts", "token"): token.issue,
}
