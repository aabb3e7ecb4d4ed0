"""ValidatingAdmissionWebhook: webhooks may refuse what is about to be written. All are asked at once.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from apiserver.admission.inputs import Authorize
from apiserver.admission.plugin import Admission, Validating
from apiserver.admission.webhooks.hooks import CallError, Hook, Hooks
from apiserver.admission.webhooks.review import Shown
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.webhook.client import WebhookClient
from podling.api.errors import ApiError, GroupResource

log = logging.getLogger(__name__)

CONFIGURATIONS = GroupResource("admissionregistration.k8s.io", "validatingwebhookconfigurations")
FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/round_0_index_"


class ValidatingAdmissionWebhook(Validating):
    name = "ValidatingAdmissionWebhook"

    def __init__(
        self, lister: Lister, served: Callable[[], Iterable[Kind]], client: WebhookClient, authorize: Authorize
    ) -> None:
        self._hooks = Hooks(lister, CONFIGURATIONS, served, client, authorize)

    async def validate(self, write: Admission) -> None:
        if not (hooks := self._hooks.all()):
            return
        meant = [(hook, seen) for hook in hooks if (seen := await self._hooks.meant(hook, write)) is not None]
        refusals = await asyncio.gather(
            *(self._ask(position, hook, write, seen) for position, (hook, seen) in enumerate(meant))
        )
        for refusal in refusals:
            if refusal is not None:
                raise refusal

    async def _ask(self, position: int, hook: Hook, write: Admission, seen: Shown) -> ApiError | None:
        try:
            await self._hooks.ask(hook, write, seen, mutating=False)
        except CallError as error:
            if not hook.may_fail:
                return error.as_refusal()
            log.warning("webhook failed, going on without it webhook=%s error=%s", hook.name, error)
            write.annotations[f"{FAILED_OPEN}{position}"] = hook.name
        except ApiError as refusal:
            return refusal
        return None
