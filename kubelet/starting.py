"""Starts what a pod needs to run: its volumes, its sandbox, its members."""

import asyncio
from datetime import timedelta
from typing import Any

from kubelet.admit import Candidate, rejection
from kubelet.context import PodContext
from kubelet.fields import not_honoured
from kubelet.launcher import Job
from kubelet.machine import SANDBOX, Start, is_dead
from kubelet.runtime import ContainerError, PodSeen
from kubelet.volumes.volumes import MountError, changes_by_itself
from kubelet.wanted import sandbox_wanted

REFRESH_SECONDS = 60.0  # how often volumes are compared with their config maps, secrets and tokens


def admit(context: PodContext, seen: PodSeen) -> None:
    """Once, before anything of the pod is there: it fails where the node cannot take it. No await between the look at
    the other pods and the mark, so that two pods never both get the last place."""
    pod, memory = context.pod, context.memory
    if pod is None or memory.admitted or memory.failure or context.wanted().over or context.wanted().leaving:
        return
    if not (seen.sandboxes or seen.containers):
        others = [other for other in context.tools.admitted() if other.metadata.uid != context.ref.uid]
        if found := rejection(Candidate(pod, others, context.tools.node())):
            context.event("Warning", found.reason, found.message)
            context.log("pod rejected", f"reason={found.reason}")
            context.fail(found.failure)
            return
    memory.admitted = True


async def start_sandbox(context: PodContext, attempt: int) -> None:
    pod, tools = context.pod, context.tools
    if pod is None or not await prepare_volumes(context, pod):
        return
    _tell_fields(context, pod)
    context.log("pod starting", f"attempt={attempt}")
    try:
        async with tools.starts:
            await tools.runtime.start_sandbox(sandbox_wanted(pod, attempt, tools.node()))
    except ContainerError as error:
        context.event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error.message}")
        context.hold_pod("sandbox")
    else:
        context.memory.failures.by_key.pop("sandbox", None)


async def start_members(context: PodContext, action: Start, seen: PodSeen) -> None:
    pod, memory = context.pod, context.memory
    if pod is None or (memory.volumes_at is None and not await prepare_volumes(context, pod)):
        if pod:  # without its volumes no member may start
            for launch in action.launches:
                memory.holds[launch.member] = memory.holds[SANDBOX]
        return
    ip = next((sandbox.ip for sandbox in seen.sandboxes if sandbox.id == action.sandbox_id), "")
    ended = {each.name for each in seen.containers if is_dead(each)}
    jobs = [
        Job(
            pod, memory, context.event, context.poke, action.sandbox_id, ip, *each, each.member in ended, context.left
        )
        for each in action.launches
    ]  # fmt: skip
    await asyncio.gather(*(context.tools.launcher.launch(job) for job in jobs))


async def prepare_volumes(context: PodContext, pod: Any) -> bool:
    """False: they cannot be had now, and the pod is held."""
    tools, memory = context.tools, context.memory
    try:
        await tools.volumes.prepare(pod, tools.launcher.facts(pod, ""))
    except MountError as error:
        message = f'MountVolume.SetUp failed for volume "{error.volume}" : {error.message}'
        context.event("Warning", "FailedMount", message)
        context.hold_pod("volumes")
        return False
    memory.volumes_at = tools.clock.now()
    memory.failures.by_key.pop("volumes", None)
    return True


async def refresh_volumes(context: PodContext) -> None:
    """Now and then, of a pod that stays."""
    pod, at, wanted = context.pod, context.memory.volumes_at, context.wanted()
    if pod is None or not changes_by_itself(pod) or wanted.leaving or wanted.over:
        return
    if SANDBOX in context.memory.holds:
        return
    if at is None or context.tools.clock.now() - at >= timedelta(seconds=REFRESH_SECONDS):
        await prepare_volumes(context, pod)


def _tell_fields(context: PodContext, pod: Any) -> None:
    ignored = not_honoured(pod)
    if ignored and "fields" not in context.memory.told:
        context.memory.told.add("fields")
        context.event("Warning", "FieldNotSupported", f"podling does not honour yet: {', '.join(ignored)}")
