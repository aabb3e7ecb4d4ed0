"""Tells the API what became of a pod: its status, the back-offs that it waits for, and its deadline."""

from datetime import timedelta

from kubelet.context import PodContext
from kubelet.machine import Wanted
from kubelet.memory import Failure, Waiting
from kubelet.resize import conditions
from kubelet.runtime import PodSeen
from kubelet.status import View, pod_status
from kubelet.status_writer import with_foreign
from kubelet.wanted import TERMINAL
from podling.api.meta import parse_time
from podling.client.codec import plain


def report(context: PodContext, wanted: Wanted, seen: PodSeen) -> None:
    pod, memory, tools = context.pod, context.memory, context.tools
    if pod is None:
        return
    now = tools.clock.now()
    told = plain(pod.status) or {}
    old = with_foreign(dict(context.status), told) if context.status else told
    if told.get("phase") in TERMINAL:
        old |= {key: told[key] for key in ("phase", "reason", "message") if key in told}
    waiting = memory.waiting(wanted, seen, now)
    resize = conditions(memory.resize)
    node, readiness = tools.node(), context.prober.readiness()
    recursive = bool(node.engine and node.engine.recursive_read_only)
    view = View(now, node.host_ips, waiting, memory.failure, resize, readiness, recursive)
    context.status = status = pod_status(pod, wanted, seen, old, view)
    tools.statuses.set(pod, status)
    for name, wait in waiting.items():
        if wait.reason in ("CrashLoopBackOff", "ImagePullBackOff") and not wanted.leaving:
            _tell_back_off(context, name, wait, seen)


def _tell_back_off(context: PodContext, name: str, wait: Waiting, seen: PodSeen) -> None:
    attempts = [each.attempt for each in seen.containers if each.name == name]
    memory, reason = context.memory, wait.reason
    key = f"{reason}/{name}/{max(attempts, default=-1)}/{memory.pulls.by_key.get(name)}"
    if key in memory.told:
        return
    memory.told = {each for each in memory.told if not each.startswith(f"{reason}/{name}/")} | {key}
    if reason == "CrashLoopBackOff":
        where = f"{context.ref.name}_{context.ref.namespace}({context.ref.uid})"
        context.event("Warning", "BackOff", f"Back-off restarting failed container {name} in pod {where}", name)
        return
    context.event("Normal", "BackOff", wait.message.partition(": ErrImagePull:")[0], name)  # of a volume's image, too
    context.event("Warning", "Failed", "Error: ImagePullBackOff", name)


def check_deadline(context: PodContext) -> None:
    left = deadline_in(context)
    if left is not None and left <= 0 and context.memory.failure is None:
        message = "Pod was active on the node longer than the specified deadline"
        context.memory.failure = Failure("DeadlineExceeded", message)
        context.event("Normal", "DeadlineExceeded", message)


def deadline_in(context: PodContext) -> float | None:
    """Seconds left of activeDeadlineSeconds; None when there is none, or the pod is over."""
    pod, started = context.pod, context.status.get("startTime")
    if pod is None or pod.spec.activeDeadlineSeconds is None or context.memory.failure:
        return None
    if context.status.get("phase") in TERMINAL:
        return None
    if started is None:
        started = (plain(pod.status) or {}).get("startTime")
    if started is None:
        return None
    end = parse_time(started) + timedelta(seconds=pod.spec.activeDeadlineSeconds)
    return (end - context.tools.clock.now()).total_seconds()
