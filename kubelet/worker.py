"""One pod's way: look at what is wanted and seen, take the machine's next step, until it is settled.

    Kubelet ──poke──▶ PodWorker.look ──▶ machine.step ──▶ act ──▶ starting, stopping ──▶ runtime, volumes
                          ▲                    │           │
                          └──── again, with what is seen ──┘──▶ reporting ──▶ StatusWriter

One look at a pod at a time; pods look in parallel, and starts share one bound. Nothing here is remembered that matters:
a kubelet killed between any two awaits finds everything again by labels.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from kubelet import reporting, resizing, starting, stopping
from kubelet.context import PodContext, Tools
from kubelet.machine import (
    Action,
    Finish,
    Remove,
    RemoveSandbox,
    Start,
    StartSandbox,
    Stop,
    Wanted,
    calling_for_all,
    current_sandbox,
    is_over,
    step,
)
from kubelet.runtime import PodRef, PodSeen
from kubelet.sizes import LimitContainer, LimitPod
from kubelet.static.pods import is_static
from kubelet.volumes.volumes import changes_by_itself
from podling.api.errors import Conflict, NotFound
from podling.client.resource import PODS
from podling.loop.reconcile import After, Outcome

log = logging.getLogger(__name__)
MOST_STEPS = 200  # of one look: where the engine undoes each step, the node is not to spin
UNSETTLED_SECONDS = 5.0


class PodWorker:
    """`is_done` when nothing of the pod is left, neither on the engine nor in the API."""

    def __init__(self, ref: PodRef, tools: Tools, poke: Callable[[], None]) -> None:
        self.ref, self._tools = ref, tools
        self.context = PodContext(ref, tools, poke)
        self.is_done = False
        self.seen: PodSeen | None = None  # what the last look saw

    @property
    def pod(self) -> Any | None:
        return self.context.pod

    def tell(self, pod: Any | None) -> None:
        """The API's newest of this pod."""
        self.context.tell(pod)

    def close(self) -> None:
        """The kubelet ends; the pod does not."""
        self.context.prober.end()

    def is_told_to_run(self) -> bool:
        """The last status has a container that runs."""
        parts = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        return any("running" in each["state"] for part in parts for each in self.context.status.get(part, ()))

    async def look(self) -> Outcome:
        """Step by step until nothing is left to do now."""
        context = self.context
        for _ in range(MOST_STEPS):
            if self.is_done:
                return None
            context.changed.clear()
            seen = self.seen = await self._tools.runtime.pod(self.ref.uid) or PodSeen(self.ref)
            now = self._tools.clock.now()
            context.memory.release(now)
            starting.admit(context, seen)
            resizing.review(context, seen)
            reporting.check_deadline(context)
            context.follow_probes(seen)
            wanted = context.wanted()
            action = step(wanted, seen, context.memory.held(wanted, seen, now))
            reporting.report(context, wanted, seen)
            if action is None:
                await starting.refresh_volumes(context)
                if is_over(wanted, seen):
                    await stopping.remove_volumes(context)
                return self._outcome(wanted, seen)
            await self._act(action, wanted, seen)
        context.log("pod does not settle")
        return After(UNSETTLED_SECONDS)

    def _outcome(self, wanted: Wanted, seen: PodSeen) -> Outcome:
        context = self.context
        waits = [context.memory.next_look(wanted, seen, self._tools.clock.now()), reporting.deadline_in(context)]
        if self.pod and changes_by_itself(self.pod) and not wanted.over:
            waits.append(starting.REFRESH_SECONDS)
        if context.memory.resize.pending:
            waits.append(resizing.RETRY_SECONDS)
        due = [seconds for seconds in waits if seconds is not None]
        return After(max(0.001, min(due))) if due else None

    async def _act(self, action: Action, wanted: Wanted, seen: PodSeen) -> None:
        match action:
            case Stop():
                await stopping.stop(self.context, action, seen)
            case Remove(ids):
                if wanted.leaving or calling_for_all(wanted, seen):
                    await self._flush()
                await asyncio.gather(*(self._tools.runtime.remove_container(id) for id in ids))
            case RemoveSandbox(id):
                await self._remove_sandbox(id, wanted, seen)
            case StartSandbox(attempt):
                await starting.start_sandbox(self.context, attempt)
            case LimitContainer() | LimitPod():
                await resizing.limit(self.context, action)
            case Start():
                await starting.start_members(self.context, action, seen)
            case Finish():
                await self._finish()

    async def _remove_sandbox(self, id: str, wanted: Wanted, seen: PodSeen) -> None:
        context = self.context
        if not wanted.leaving and not is_over(wanted, seen) and current_sandbox(seen) is None:
            context.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        dead = next(sandbox for sandbox in seen.sandboxes if sandbox.id == id)
        context.memory.sandbox_attempt = max(context.memory.sandbox_attempt, dead.attempt + 1)
        await self._tools.runtime.remove_sandbox(self.ref.uid, id)

    async def _finish(self) -> None:
        """Nothing runs any more: the disk, then the API."""
        uid, pod = self.ref.uid, self.pod
        self._tools.launcher.forget(uid)
        self.context.prober.end()
        await self._tools.volumes.remove(uid)
        if pod is not None and not is_static(pod):
            await self._tools.statuses.flush(uid)
            self.context.log("pod gone")
            try:
                await self._tools.client.delete(PODS, self.ref.name, self.ref.namespace, grace_seconds=0, uid=uid)
            except (NotFound, Conflict) as error:
                log.debug("pod is no longer in the API pod=%s uid=%s error=%s", self.ref.name, uid, error)
        self.is_done = True

    async def _flush(self) -> None:
        """How the containers ended must be written before the engine forgets it."""
        if self.pod is not None:
            await self._tools.statuses.flush(self.ref.uid)
