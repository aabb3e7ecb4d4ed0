"""Kubelets that ask for a client certificate of their own, or of a node's, are approved where they may have one.

Source: kubernetes/pkg/controller/certificates/approver.
"""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from controllers.controller import Context, Source, itself, run
from podling.api.certificate_request import KUBELET_CLIENT, Malformed, Subject, parse, subject, why_not_kubelet_client
from podling.client.codec import plain
from podling.client.resource import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from podling.loop.reconcile import After, Terminal

log = logging.getLogger(__name__)
AGAIN_SECONDS = 30.0  # somebody may grant it


class Recognizer(NamedTuple):
    """Whose requests, which subresource of `certificatesigningrequests` they must be allowed to create, and what is
    said then."""

    recognizes: Callable[[Any, Subject], bool]
    subresource: str
    message: str


RECOGNIZERS = (
    Recognizer(
        lambda request, asked: request.spec.username == asked.common_name,
        "selfnodeclient",
        "Auto approving self kubelet client certificate after SubjectAccessReview.",
    ),
    Recognizer(
        lambda request, asked: True,
        "nodeclient",
        "Auto approving kubelet client certificate after SubjectAccessReview.",
    ),
)


def is_decided(request: Any) -> bool:
    conditions = (request.status and request.status.conditions) or ()
    return any(each.type in ("Approved", "Denied") for each in conditions)


async def control(context: Context) -> None:
    requests = context.informers.get(CERTIFICATE_SIGNING_REQUESTS)

    async def reconcile(name: str) -> After | None:
        request = requests.get(name)
        if request is None or is_decided(request) or request.spec.signerName != KUBELET_CLIENT:
            return None
        try:
            asked = subject(parse(request.spec.request))
        except Malformed as error:
            raise Terminal(f"unable to parse csr: {error}") from None
        if why_not_kubelet_client(asked, request.spec.usages or ()):
            return None
        tried = []
        for recognizer in RECOGNIZERS:
            if not recognizer.recognizes(request, asked):
                continue
            tried.append(recognizer.subresource)
            if await _may(request, recognizer.subresource):
                await _approve(request, recognizer.message)
                return None
        log.info("certificate waits, its user may not have it request=%s tried=%s", name, ",".join(tried))
        return After(AGAIN_SECONDS)

    async def _may(request: Any, subresource: str) -> bool:
        spec = plain(request.spec)
        who = {"user": spec.get("username", ""), "groups": spec.get("groups", []), "uid": spec.get("uid", "")}
        attributes = {
            "group": "certificates.k8s.io",
            "resource": "certificatesigningrequests",
            "verb": "create",
            "subresource": subresource,
        }
        review = {"spec": {**who, "extra": spec.get("extra", {}), "resourceAttributes": attributes}}
        answer = await context.client.create(SUBJECT_ACCESS_REVIEWS, review)
        return bool(answer.status and answer.status.allowed)

    async def _approve(request: Any, message: str) -> None:
        condition = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message}
        patch = {
            "metadata": {"resourceVersion": request.metadata.resourceVersion},
            "status": {"conditions": [condition]},
        }
        name = request.metadata.name
        await context.client.patch(CERTIFICATE_SIGNING_REQUESTS, name, patch, subresource="approval")

    await run("certificate-approval", context.clock, [Source(requests, itself)], reconcile)
