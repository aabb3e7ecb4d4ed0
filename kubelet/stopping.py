"""Stops containers of a pod: their preStop hooks, their turns, and grace periods that are shortened meanwhile.

    all at once: preStop hook ──▶ wait for one's turn ──▶ stop signal ──▶ SIGKILL when the grace period is over

The grace period is one for all three, but a little always stays between signal and SIGKILL. Meanwhile the status is
kept up to date. Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime, killContainer and terminationOrdering.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from kubelet.context import PodContext
from kubelet.hooks import pre_stop
from kubelet.machine import Stop, current_sandbox
from kubelet.probes.handlers import Place
from kubelet.reporting import report
from kubelet.runtime import PodSeen
from kubelet.wanted import containers_of, is_init

LEAST_GRACE_SECONDS = 2


async def stop(context: PodContext, action: Stop, seen: PodSeen) -> None:
    """Ends when all have ended; a shorter grace period, told meanwhile, counts at once."""
    for name in action.members:
        context.event("Normal", "Killing", _why(context, name, action.why), name)
    context.log("pod stops containers", f"containers={','.join(action.members)} grace_seconds={action.grace_seconds}")
    stopping = _Stopping(context, action, seen)
    grace, tasks = action.grace_seconds, stopping.begin(action.grace_seconds)
    try:
        while not all(task.done() for task in tasks):
            await _wait(context, tasks)
            wanted = context.wanted()
            if wanted.leaving and wanted.grace_seconds < grace:
                grace = wanted.grace_seconds
                _cancel(tasks)
                tasks = stopping.begin(grace)
            elif not all(task.done() for task in tasks):
                now = await context.tools.runtime.pod(context.ref.uid)
                context.follow_probes(now or seen)
                report(context, wanted, now or seen)
        for task in tasks:
            task.result()
    finally:
        _cancel(tasks)


def _why(context: PodContext, name: str, why: str) -> str:
    if not why:
        return f"Stopping container {name}"
    pod = context.pod or context.last_pod
    if pod and is_init(pod, name):
        return f"Init container {name} {why.removesuffix(', will be restarted')}"
    return f"Container {name} {why}"


async def _wait(context: PodContext, tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Until there is news of the pod, or one more has ended."""
    news = asyncio.create_task(context.changed.wait())
    try:
        waited: set[asyncio.Task[Any]] = {news, *(task for task in tasks if not task.done())}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
    context.changed.clear()


def _cancel(tasks: "Sequence[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()


class _Stopping:
    def __init__(self, context: PodContext, action: Stop, seen: PodSeen) -> None:
        self._context, self._action = context, action
        sandbox = current_sandbox(seen)
        self._ip = sandbox.ip if sandbox else ""
        self._turns = dict(zip(action.ids, action.turns or [0] * len(action.ids), strict=True))
        self._ended = {id: asyncio.Event() for id in action.ids}
        self._hooked: set[str] = set()  # whose hook was begun: it is not run twice

    def begin(self, grace_seconds: int) -> "list[asyncio.Task[None]]":
        members = zip(self._action.ids, self._action.members, strict=True)
        return [asyncio.create_task(self._stop_one(id, name, grace_seconds)) for id, name in members]

    async def _stop_one(self, id: str, name: str, grace_seconds: int) -> None:
        clock = self._context.tools.clock
        began = clock.monotonic()
        if grace_seconds > 0:
            await self._run_hook(id, name, grace_seconds)
            left = grace_seconds - (clock.monotonic() - began)
            if left > 0 and self._turns[id] > 0:
                await self._wait_for_turn(id, left)
        passed = int(clock.monotonic() - began)
        await self._context.tools.runtime.stop_container(id, max(LEAST_GRACE_SECONDS, grace_seconds - passed))
        self._ended[id].set()

    async def _run_hook(self, id: str, name: str, seconds: float) -> None:
        """A pod that the API no longer knows has none."""
        context = self._context
        if context.pod is None or not self._action.hooks or id in self._hooked:
            return
        container = next((each for each in containers_of(context.pod) if each.name == name), None)
        if container is None or not getattr(container, "lifecycle", None):
            return
        self._hooked.add(id)
        if not await pre_stop(context.tools.handlers, Place(context.ref, container, self._ip), seconds):
            context.event("Warning", "FailedPreStopHook", "PreStopHook failed", name)

    async def _wait_for_turn(self, id: str, seconds: float) -> None:
        earlier = [event for other, event in self._ended.items() if self._turns[other] < self._turns[id]]
        turn = asyncio.create_task(_all_set(earlier))
        late = asyncio.create_task(_sleep(self._context, seconds))
        try:
            await asyncio.wait({turn, late}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            turn.cancel()


async def _all_set(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _sleep(context: PodContext, seconds: float) -> None:
    await context.tools.clock.sleep(seconds)


async def remove_volumes(context: PodContext) -> None:
    """Of a pod that is over, once: what it kept on the disk is needed elsewhere."""
    if not context.memory.volumes_gone:
        await context.tools.volumes.remove(context.ref.uid)
        context.memory.volumes_gone = True
