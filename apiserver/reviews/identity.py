"""SelfSubjectReview: who the API server takes me for; `kubectl auth whoami`.

Source: k8s.io/kubernetes/pkg/registry/authentication/selfsubjectreview/rest.go.
"""

from apiserver.answer import Answer
from apiserver.context import Context
from apiserver.request import Request
from apiserver.reviews.question import user_info
from podling.api.meta import timestamp


async def review(context: Context, request: Request) -> Answer:
    answer = {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": timestamp(context.registry.clock.now())},
        "status": {"userInfo": user_info(request.attributes.user)},
    }
    return Answer(answer, 201)
