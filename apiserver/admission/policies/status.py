"""The status of ValidatingAdmissionPolicies: which generation was looked at, and what its expressions get wrong.

In Kubernetes the controller manager does this; here the API server, which has the schemas and the expressions.
Source: kubernetes/pkg/controller/validatingadmissionpolicystatus.
"""

import asyncio
import logging
from typing import Any

from apiserver.admission.policies.typechecking import warnings
from apiserver.cel import Unavailable
from apiserver.context import Context
from apiserver.kinds.admissionregistration.validating_admission_policy import VALIDATING_ADMISSION_POLICY as POLICY
from apiserver.objects.registry import SERVER, Write
from apiserver.objects.watcher import Filter
from podling.api.errors import NotFound
from podling.loop import reconcile
from podling.loop.reconcile import Outcome
from podling.loop.workqueue import WorkQueue

log = logging.getLogger(__name__)

Object = dict[str, Any]

WATCH_SECONDS = 60.0
MANAGER = "validatingadmissionpolicy-status"


async def run(context: Context) -> None:
    queue: WorkQueue[str] = WorkQueue()

    async def settle(name: str) -> Outcome:
        return await _settle(context, name)

    async with asyncio.TaskGroup() as group:
        group.create_task(_watch(context, queue))
        group.create_task(reconcile.run(MANAGER, queue, settle))


async def _watch(context: Context, queue: WorkQueue[str]) -> None:
    while True:
        await context.feed.ready.wait()
        cache = context.feed.of(POLICY)
        watcher = cache.watch(Filter(), cache.changed)
        for found in cache.objects.values():
            queue.add(found.metadata["name"])
        while not watcher.ended:
            for event in watcher.take():
                if event.cached is not None:
                    queue.add(event.cached.metadata["name"])
            await watcher.wait(WATCH_SECONDS)


async def _settle(context: Context, name: str) -> Outcome:
    found = context.feed.of(POLICY).get("", name)
    if found is None or not _is_new(found.object):
        return None

    async def change(current: Object) -> Object:
        if _is_new(current):
            current["status"] = {**(current.get("status") or {}), **_status(context, current)}
        return current

    try:
        write = Write(SERVER, manager=MANAGER, subresource="status")
        await context.registry.update(POLICY, "", name, change, write, POLICY.subresource("status"))
    except NotFound:
        return None
    return None


def _is_new(policy: Object) -> bool:
    observed: int = (policy.get("status") or {}).get("observedGeneration") or 0
    return bool(policy["metadata"].get("generation", 0) > observed)


def _status(context: Context, policy: Object) -> Object:
    try:
        found = warnings(policy["spec"], context.kinds.all)
    except Unavailable as error:
        log.warning("policy not checked name=%s error=%s", policy["metadata"]["name"], error)
        found = []
    checked = {"expressionWarnings": found} if found else {}
    return {"observedGeneration": policy["metadata"]["generation"], "typeChecking": checked}
