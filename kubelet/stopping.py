"""Stops containers of a pod: their preStop hooks, their turns, and grace periods that are shortened meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Any

from kubelet.context import PodContext
from kubelet.handlers import Place
from kubelet.machine import Stop, current_sandbox
from kubelet.runtime import PodSeen
from kubelet.wanted import containers_of

LEAST_GRACE_SECONDS = 2  # between a preStop hook that took all the time and SIGKILL
Stops = Sequence["asyncio.Task[None]"]


async def stop(context: PodContext, action: Stop, seen: PodSeen) -> None:
    """Ends when all have ended; a shorter grace period, told meanwhile, counts at once."""
    for name in action.members:
        why = f"Container {name} {action.why}" if action.why else f"Stopping container {name}"
        context.event("Normal", "Killing", why, name)
    context.log("pod stops containers", f"containers={','.join(action.members)} grace_seconds={action.grace_seconds}")
    grace, stops = action.grace_seconds, [_stop_with(context, action, action.grace_seconds, seen)]
    try:
        while not any(each.done() for each in stops):
            await _wait_for_change(context, stops)
            wanted = context.wanted()
            if wanted.leaving and wanted.grace_seconds < grace:
                grace = wanted.grace_seconds
                stops.append(_stop_with(context, action, grace, seen))
        next(each for each in stops if each.done()).result()
    finally:
        for each in stops:
            each.cancel()


async def _wait_for_change(context: PodContext, stops: Stops) -> None:
    changed = asyncio.ensure_future(context.changed.wait())
    try:
        waited: set[asyncio.Future[Any]] = {changed, *stops}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        changed.cancel()
    context.changed.clear()


def _stop_with(context: PodContext, action: Stop, grace_seconds: int, seen: PodSeen) -> "asyncio.Task[None]":
    async def stop_all() -> None:
        members = zip(action.ids, action.members, strict=True)
        await asyncio.gather(*(_stop_one(context, id, name, grace_seconds, seen) for id, name in members))

    return asyncio.create_task(stop_all())


async def _stop_one(context: PodContext, id: str, name: str, grace_seconds: int, seen: PodSeen) -> None:
    """The preStop hook first; it takes its time from the grace period, of which a little always stays."""
    pod, clock = context.pod or context.last_pod, context.tools.clock
    container = next((each for each in containers_of(pod) if each.name == name), None) if pod else None
    handler = container.lifecycle.preStop if container and container.lifecycle else None
    if handler and context.pod and grace_seconds > 0:
        began = clock.monotonic()
        sandbox = current_sandbox(seen)
        place = Place(context.ref, container, sandbox.ip if sandbox else "")
        answer = await context.tools.handlers.run(handler, place, grace_seconds)
        if not answer.succeeded:
            context.log("hook failed", f"container={name} error={answer.message}")
            context.event("Warning", "FailedPreStopHook", "PreStopHook failed", name)
        grace_seconds = max(LEAST_GRACE_SECONDS, grace_seconds - int(clock.monotonic() - began))
    await context.tools.runtime.stop_container(id, grace_seconds)
