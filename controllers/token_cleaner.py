"""Bootstrap tokens that have expired are deleted. Source: kubernetes/pkg/controller/bootstrap/tokencleaner.go."""

import logging
from contextlib import suppress

from controllers.bootstrap_token import NAMESPACE, TYPE, seconds_left
from controllers.controller import Context, Source, itself, run
from podling.api.errors import Conflict, NotFound
from podling.client.resource import SECRETS
from podling.loop.reconcile import After

log = logging.getLogger(__name__)


async def control(context: Context) -> None:
    secrets = context.informers.get(SECRETS, fields=f"type={TYPE}")

    async def reconcile(key: str) -> After | None:
        secret = secrets.get(key)
        if secret is None or secret.metadata.namespace != NAMESPACE:
            return None
        left = seconds_left(secret, context.clock.now())
        if left is None:
            return None
        if left > 0:
            return After(left)
        with suppress(NotFound, Conflict):
            await context.client.delete(SECRETS, secret.metadata.name, NAMESPACE, uid=secret.metadata.uid)
            log.info("bootstrap token expired secret=%s", key)
        return None

    await run("token-cleaner", context.clock, [Source(secrets, itself)], reconcile)
