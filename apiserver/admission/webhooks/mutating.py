"""MutatingAdmissionWebhook: webhooks change what is written, one after the other, by JSON patches.

    round 1  every hook that means the write ──▶ patch ──▶ shape, default ──▶ the next hook sees that
    round 2  (something changed after a hook with reinvocationPolicy IfNeeded was asked) those hooks, once more

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/{dispatcher,reinvocationcontext}.go.
"""

import copy
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from apiserver.admission.changed import become, shaped
from apiserver.admission.inputs import Authorize
from apiserver.admission.plugin import Admission, Mutating
from apiserver.admission.webhooks.hooks import CallError, Hook, Hooks, internal
from apiserver.admission.webhooks.review import JSON_PATCH, Shown, Verdict
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.patch.decode import decode_operations
from apiserver.patch.json_patch import apply_json_patch
from apiserver.webhook.client import WebhookClient
from podling.api.errors import ApiError, BadRequest, GroupResource
from podling.api.field import show

log = logging.getLogger(__name__)

Object = dict[str, Any]

CONFIGURATIONS = GroupResource("admissionregistration.k8s.io", "mutatingwebhookconfigurations")
MUTATION, PATCH = "mutation.webhook.admission.k8s.io/", "patch.webhook.admission.k8s.io/"


@dataclass(slots=True)
class Memory:
    """Of one write: hooks that may be asked again (`asked`), those that are to be (`due`), what the round left."""

    asked: set[str] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    left: Object | None = None

    def again(self) -> None:
        self.due |= self.asked
        self.asked.clear()


class MutatingAdmissionWebhook(Mutating):
    name = "MutatingAdmissionWebhook"

    def __init__(
        self, lister: Lister, served: Callable[[], Iterable[Kind]], client: WebhookClient, authorize: Authorize
    ) -> None:
        self._hooks = Hooks(lister, CONFIGURATIONS, served, client, authorize)

    async def admit(self, write: Admission) -> None:
        if not (hooks := self._hooks.all()):
            return
        memory: Memory = write.rounds.kept.setdefault(self.name, Memory())
        if write.rounds.second and memory.left != write.object:
            memory.again()
        for position, hook in enumerate(hooks):
            await self._admit(position, hook, write, memory)
        memory.left = copy.deepcopy(write.object)

    async def _admit(self, position: int, hook: Hook, write: Admission, memory: Memory) -> None:
        seen = await self._hooks.meant(hook, write)
        if seen is None or (write.rounds.second and hook.uid not in memory.due):
            return
        place = f"round_{int(write.rounds.second)}_index_{position}"
        changed = False
        try:
            found = await self._hooks.ask(hook, write, seen, mutating=True)
            changed = await self._patched(hook, write, seen, found, place)
        except CallError as error:
            if not hook.may_fail:
                raise error.as_refusal() from None
            log.warning("webhook failed, going on without it webhook=%s error=%s", hook.name, error)
            write.annotations[f"failed-open.{MUTATION}{place}"] = hook.name
        finally:
            told = {"configuration": hook.configuration, "webhook": hook.name, "mutated": changed}
            write.annotations[MUTATION + place] = json.dumps(told, separators=(",", ":"))
        if changed:
            memory.again()
            write.rounds.wanted = True
        if hook.spec.get("reinvocationPolicy") == "IfNeeded":
            memory.asked.add(hook.uid)

    async def _patched(self, hook: Hook, write: Admission, seen: Shown, found: Verdict, place: str) -> bool:
        """Did the answer change the object?"""
        operations = _operations(hook, found)
        if not operations:
            return False
        if seen.object is None:
            words = "attempted to modify the object, which is not supported for this operation"
            raise internal(f"admission webhook {show(hook.name)} {words}")
        try:
            patched = apply_json_patch(seen.object, operations)
        except ApiError as error:
            raise internal(str(error.__cause__ or error)) from None
        new = shaped(write, seen.kind, patched)
        told = {"configuration": hook.configuration, "webhook": hook.name, "patch": operations, "patchType": JSON_PATCH}
        write.annotations[PATCH + place] = json.dumps(told, separators=(",", ":"))
        if new == seen.object:
            return False
        await become(write, seen.kind, new)
        return True


def _operations(hook: Hook, found: Verdict) -> list[Object]:
    if not found.patch:
        return []
    try:
        operations = decode_operations(found.patch, "received undecodable patch in webhook response: ")
    except BadRequest as error:
        raise CallError(hook, error.message) from None
    if operations and found.patch_type != JSON_PATCH:
        raise CallError(hook, f"unsupported patch type {show(found.patch_type)}")
    return operations
