"""Approved requests of Kubernetes' own signers get their certificate from the cluster's authority.

Source: kubernetes/pkg/controller/certificates/signer.
"""

import base64
from datetime import timedelta
from typing import Any

from controllers.controller import Context, Source, itself, run
from podling.api.certificate_request import SIGNERS, Malformed, parse, subject
from podling.client.codec import plain
from podling.client.resource import CERTIFICATE_SIGNING_REQUESTS
from podling.loop.reconcile import Terminal
from podling.signing import sign

FAILED = "SignerValidationFailure"


def is_wanted(request: Any) -> bool:
    """Approved, not failed, and not signed yet."""
    status = request.status
    if status is None or status.certificate or request.spec.signerName not in SIGNERS:
        return False
    said = {each.type for each in status.conditions or () if each.status == "True"}
    return "Approved" in said and not said & {"Denied", "Failed"}


async def control(context: Context) -> None:
    requests = context.informers.get(CERTIFICATE_SIGNING_REQUESTS)

    async def reconcile(name: str) -> None:
        request = requests.get(name)
        if request is None or not is_wanted(request):
            return
        if context.authority is None:
            raise Terminal("the key of the cluster's authority is not here")
        spec = request.spec
        try:
            asked = parse(spec.request)
        except Malformed as error:
            raise Terminal(f"unable to parse csr: {error}") from None
        if why := SIGNERS[spec.signerName](subject(asked), spec.usages or ()):
            said = [plain(each) for each in request.status.conditions or ()]
            failed = {"type": "Failed", "status": "True", "reason": FAILED, "message": why}
            await _write(request, {"conditions": [*said, failed]})
            return
        life = timedelta(seconds=spec.expirationSeconds) if spec.expirationSeconds else None
        issued = sign(context.authority, asked, spec.usages or (), context.clock.now(), life)
        await _write(request, {"certificate": base64.b64encode(issued).decode()})

    async def _write(request: Any, status: dict[str, Any]) -> None:
        patch = {"metadata": {"resourceVersion": request.metadata.resourceVersion}, "status": status}
        name = request.metadata.name
        await context.client.patch(CERTIFICATE_SIGNING_REQUESTS, name, patch, subresource="status")

    await run("certificate-signing", context.clock, [Source(requests, itself)], reconcile)
