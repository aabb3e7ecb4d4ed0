"""Requests that nobody needs any more go: decided ones after an hour, undecided ones after a day, those whose
certificate has run out at once.

Source: kubernetes/pkg/controller/certificates/cleaner.
"""

import base64
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from controllers.controller import Context, Source, itself, run
from podling.api.certificate_request import CERTIFICATE, blocks
from podling.api.errors import NotFound
from podling.client.resource import CERTIFICATE_SIGNING_REQUESTS
from podling.loop.reconcile import After

ISSUED = DENIED = FAILED = timedelta(hours=1)
PENDING = timedelta(hours=24)


def goes_at(request: Any) -> datetime | None:
    """When it goes; None for one that is approved and waits for its signer."""
    status = request.status
    said = {each.type: each for each in (status and status.conditions) or ()}
    issued = bool(status and status.certificate)
    times = [
        each.lastUpdateTime + life
        for kind, life in (("Denied", DENIED), ("Failed", FAILED), ("Approved", ISSUED if issued else None))
        if life is not None and (each := said.get(kind)) and each.lastUpdateTime
    ]
    if not said.keys() & {"Approved", "Denied", "Failed"}:
        times.append(request.metadata.creationTimestamp + PENDING)
    if issued and (ends := _ends(status.certificate)):
        times.append(ends)
    return min(times, default=None)


def _ends(certificate: str) -> datetime | None:
    for block in blocks(base64.b64decode(certificate)):
        if block.type == CERTIFICATE:
            return x509.load_der_x509_certificate(block.der).not_valid_after_utc
    return None


async def control(context: Context) -> None:
    requests = context.informers.get(CERTIFICATE_SIGNING_REQUESTS)

    async def reconcile(name: str) -> After | None:
        request = requests.get(name)
        if request is None or (ends := goes_at(request)) is None:
            return None
        left = (ends - context.clock.now()).total_seconds()
        if left > 0:
            return After(left)
        with suppress(NotFound):
            await context.client.delete(CERTIFICATE_SIGNING_REQUESTS, name, uid=request.metadata.uid)
        return None

    await run("certificate-cleanup", context.clock, [Source(requests, itself)], reconcile)
