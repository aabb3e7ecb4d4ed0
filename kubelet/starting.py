"""Starts what a pod needs to run: its volumes, its sandbox, its members."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kubelet.context import PodContext
from kubelet.fields import not_honoured
from kubelet.launcher import Job
from kubelet.machine import SANDBOX, Launch, Start, is_dead
from kubelet.node import make_room
from kubelet.node.admit import Candidate, Rejection, rejection
from kubelet.runtime import ContainerError, PodSeen, State
from kubelet.runtime_class import handler_of
from kubelet.sandbox import omissions, sandbox_wanted
from kubelet.volumes.volumes import MountError, changes_by_itself
from kubelet.wanted import container_of

REFRESH_SECONDS = 60.0  # how often volumes are compared with their config maps, secrets and tokens


def admit(context: PodContext, seen: PodSeen) -> None:
    """Once, before anything of the pod is there: it fails where the node cannot take it. No await between the look at
    the other pods and the mark, so that two pods never both get the last place."""
    pod, memory = context.pod, context.memory
    if pod is None or memory.admitted or memory.failure or context.wanted().over or context.wanted().leaving:
        return
    if not (seen.sandboxes or seen.containers) and (found := _judge(context, pod)):
        context.event("Warning", found.reason, found.message)
        context.log("pod rejected", f"reason={found.reason}")
        context.fail(found.failure)
        return
    memory.admitted = True


def _judge(context: PodContext, pod: Any) -> Rejection | None:
    """Others make room for a pod that the system needs, where nothing but room is missing."""
    tools, node = context.tools, context.tools.node()
    others = [other for other in tools.admitted() if other.metadata.uid != context.ref.uid]
    found = rejection(Candidate(pod, others, node))
    if found is None or rejection(Candidate(pod, others, replace(node, allocatable={}))):
        return found
    for gone in make_room.victims(pod, others, node.allocatable):
        tools.preempt(gone.metadata.uid)
        others.remove(gone)
    return rejection(Candidate(pod, others, node))


async def start_sandbox(context: PodContext, attempt: int) -> None:
    pod, tools = context.pod, context.tools
    if pod is None or not await prepare_volumes(context, pod):
        return
    _tell_fields(context, pod)
    for words in omissions(pod, tools.node()):
        context.event("Warning", "DNSConfigForming", words)
    context.log("pod starting", f"attempt={attempt}")
    try:
        wanted = sandbox_wanted(pod, attempt, tools.node(), await handler_of(pod, tools.client))
        async with tools.starts:
            await tools.runtime.start_sandbox(wanted)
    except ContainerError as error:
        context.event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error.message}")
        context.hold_pod("sandbox")
    else:
        context.memory.failures.by_key.pop("sandbox", None)
        context.memory.resize.pod_limits = wanted.limits


async def start_members(context: PodContext, action: Start, seen: PodSeen) -> None:
    pod, memory = context.pod, context.memory
    if pod is None or (memory.volumes_at is None and not await prepare_volumes(context, pod)):
        if pod:  # without its volumes no member may start
            for launch in action.launches:
                memory.holds[launch.member] = memory.holds[SANDBOX]
        return
    ip = next((sandbox.ip for sandbox in seen.sandboxes if sandbox.id == action.sandbox_id), "")
    ended = {each.name for each in seen.containers if is_dead(each)}
    running = {each.name: each.id for each in seen.containers if each.state is State.RUNNING}
    is_restarting = context.wanted().restarting

    def job(launch: Launch) -> Job:
        return Job(
            pod=pod,
            memory=memory,
            event=context.event,
            poke=context.poke,
            sandbox_id=action.sandbox_id,
            ip=ip,
            name=launch.member,
            attempt=launch.attempt,
            restarts=launch.member in ended or (is_restarting and launch.attempt > 0),
            left=context.left,
            running=running,
        )

    jobs = [job(launch) for launch in action.launches]
    for together in _rounds(pod, jobs):
        await asyncio.gather(*(context.tools.launcher.launch(job) for job in together))


def _rounds(pod: Any, jobs: Sequence[Job]) -> Sequence[Sequence[Job]]:
    """What starts together: whoever comes after a container with a postStart hook waits for the hook."""
    rounds: list[list[Job]] = [[]]
    for job in jobs:
        rounds[-1].append(job)
        lifecycle = getattr(container_of(pod, job.name), "lifecycle", None)
        if lifecycle and lifecycle.postStart:
            rounds.append([])
    return [each for each in rounds if each]


async def prepare_volumes(context: PodContext, pod: Any) -> bool:
    """False: they cannot be had now, and the pod is held."""
    tools, memory = context.tools, context.memory
    memory.volumes_stale = False
    try:
        await tools.volumes.prepare(pod, tools.launcher.facts(pod, ""))
    except MountError as error:
        message = f'MountVolume.SetUp failed for volume "{error.volume}" : {error.message}'
        context.event("Warning", "FailedMount", message)
        context.hold_pod("volumes", at_once=memory.volumes_stale)
        return False
    memory.volumes_at = tools.clock.now()
    memory.failures.by_key.pop("volumes", None)
    return True


def sources_changed(context: PodContext) -> None:
    """A config map or a secret of the pod changed, came or went: what waited for it waits no longer."""
    memory = context.memory
    memory.volumes_stale = True
    memory.news += 1
    for name, hold in list(memory.holds.items()):
        if name == SANDBOX or (hold.shown and hold.shown.reason == "CreateContainerConfigError"):
            del memory.holds[name]


async def refresh_volumes(context: PodContext) -> None:
    """Now and then, of a pod that stays."""
    pod, at, wanted = context.pod, context.memory.volumes_at, context.wanted()
    if pod is None or not changes_by_itself(pod) or wanted.leaving or wanted.over:
        return
    if SANDBOX in context.memory.holds:
        return
    is_fresh = at is not None and context.tools.clock.now() - at < timedelta(seconds=REFRESH_SECONDS)
    if not is_fresh or context.memory.volumes_stale:
        await prepare_volumes(context, pod)


def _tell_fields(context: PodContext, pod: Any) -> None:
    engine = context.tools.node().engine
    ignored = not_honoured(pod, engine.security if engine else frozenset())
    if ignored and "fields" not in context.memory.told:
        context.memory.told.add("fields")
        context.event("Warning", "FieldNotSupported", "; ".join(ignored))
