"""Resizes a pod in place: asks what the node admits, limits containers and the pod anew, and tells its owner."""

from datetime import timedelta

from kubelet.context import PodContext
from kubelet.machine import RESIZE
from kubelet.memory import Hold
from kubelet.resize import INFEASIBLE, decide, summary
from kubelet.runtime import ContainerError, PodSeen
from kubelet.sizes import LimitContainer, LimitPod, outsized
from kubelet.wanted import members_of
from podling.client.codec import plain

RETRY_SECONDS = 10.0  # of a resize that the node has no room for, and of one that failed


def review(context: PodContext, seen: PodSeen) -> None:
    """What is admitted of what is wanted now; `context.pod` has it from here on."""
    pod, resize = context.told, context.memory.resize
    if pod is None or context.left.is_set():
        return
    status = context.status or plain(pod.status) or {}
    others = [other for other in context.tools.admitted() if other.metadata.uid != context.ref.uid]
    decision = decide(pod, status, context.tools.node().allocatable, others)
    context.pod, generation = decision.pod, pod.metadata.generation or 0
    if decision.pending and decision.pending != resize.pending:
        reason, message = decision.pending
        word = "ResizeInfeasible" if reason == INFEASIBLE else "ResizeDeferred"
        context.event("Warning", word, f"Pod resize {reason}: {summary(pod, generation, message)}")
    resize.pending = decision.pending
    due = outsized(members_of(decision.pod), seen, resize.applied)
    if decision.is_new and generation not in (resize.generation, resize.done) and not decision.pending:
        resize.generation, resize.failed = generation, ""
        context.memory.holds.pop(RESIZE, None)
        context.event("Normal", "ResizeStarted", f"Pod resize started: {summary(pod, generation)}")
        context.log("pod resize", f"generation={generation}")
    elif resize.generation is not None and not due and not resize.failed:
        context.event("Normal", "ResizeCompleted", f"Pod resize completed: {summary(decision.pod, resize.generation)}")
        resize.generation, resize.done = None, resize.generation


async def limit(context: PodContext, action: LimitContainer | LimitPod) -> None:
    """What the engine refuses now is tried again later: less memory than is in use may be free by then."""
    runtime, memory = context.tools.runtime, context.memory
    try:
        match action:
            case LimitContainer(id, member, limits):
                await runtime.limit_container(id, limits)
                memory.resize.applied = {each for each in memory.resize.applied if each[0] != id} | {(id, limits)}
                context.log("container limited", f"container={member} limits={limits}")
            case LimitPod(pod_limits):
                await runtime.limit_pod(context.ref.uid, pod_limits)
                memory.resize.pod_limits = pod_limits
        memory.resize.failed = ""
    except ContainerError as error:
        now = context.tools.clock.now()
        memory.holds[RESIZE] = Hold(now, now + timedelta(seconds=RETRY_SECONDS))
        if memory.resize.failed != error.message and context.told is not None:
            memory.resize.failed = error.message
            words = summary(context.told, memory.resize.generation or 0, error.message)
            context.event("Warning", "ResizeError", f"Pod resize error: {words}")
