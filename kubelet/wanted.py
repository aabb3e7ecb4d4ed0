"""From a pod's spec to what the machine decides on and what the runtime is asked for. Pure.

Defaults are the API server's work; what is absent here means the engine's default.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubelet.cgroups.limits import container_limits, pod_limits
from kubelet.cgroups.resources import oom_score_adjust
from kubelet.dns import Dns
from kubelet.machine import Failing, Wanted
from kubelet.member import Member, Rule
from kubelet.memory import Memory
from kubelet.node.pressure import CALM, Pressure
from kubelet.runtime import ContainerWanted, Engine, ImageSeen, Mount, PodRef
from kubelet.security import security_of

FORCED_GRACE_SECONDS = 2  # what a pod gets that was deleted by force
TERMINAL = ("Succeeded", "Failed")
ALL_RESTARTING = "AllContainersRestarting"  # the condition of a pod whose containers all start anew


@dataclass(frozen=True)
class NodeFacts:
    """What pods are told of their node, and what it decides by who is let in: `labels` {} where it has not registered
    yet, `taints` of those that end pods."""

    node_name: str
    host_ips: Sequence[str] = ()
    host_dns: Dns = field(default_factory=Dns)
    cluster_dns: str = ""
    cluster_domain: str = "cluster.local"
    memory_bytes: int = 0
    allocatable: Mapping[str, str] = field(default_factory=dict)
    engine: Engine | None = None  # None until it has answered
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Any] = ()
    pressure: Pressure = CALM
    shutting_down: bool = False
    seccomp_default: bool = False
    allowed_sysctls: Sequence[str] = ()  # beside the safe ones


def ref_of(pod: Any) -> PodRef:
    return PodRef(pod.metadata.uid, pod.metadata.namespace, pod.metadata.name)


def containers_of(pod: Any) -> list[Any]:
    """Init containers first, in order; those of `kubectl debug` last."""
    return [*(pod.spec.initContainers or ()), *pod.spec.containers, *(pod.spec.ephemeralContainers or ())]


def container_of(pod: Any, name: str) -> Any:
    return next(container for container in containers_of(pod) if container.name == name)


def is_init(pod: Any, name: str) -> bool:
    return any(container.name == name for container in pod.spec.initContainers or ())


def field_path(pod: Any, name: str) -> str:
    """Where the pod's spec names a container, as events tell it: `spec.containers{app}`."""
    for part in ("initContainers", "ephemeralContainers"):
        if any(container.name == name for container in getattr(pod.spec, part) or ()):
            return f"spec.{part}{{{name}}}"
    return f"spec.containers{{{name}}}"


class Health(NamedTuple):
    """What the probes found."""

    failing: Sequence[Failing] = ()
    unstarted: frozenset[str] = frozenset()


WELL = Health()


def wanted_of(pod: Any, memory: Memory, health: Health = WELL) -> Wanted:
    """What the machine decides on, of a pod that the API knows."""
    leaving = pod.metadata.deletionTimestamp is not None
    return Wanted(
        ref=ref_of(pod),
        members=members_of(pod),
        leaving=leaving,
        over=memory.failure is not None or bool(pod.status and pod.status.phase in TERMINAL),
        grace_seconds=_grace_seconds(pod, leaving, memory),
        sandbox_attempt=memory.sandbox_attempt,
        next_attempts=_next_attempts(pod),
        ended=_ended(pod),
        restarting=is_restarting(pod),
        failing=health.failing,
        pod_limits=pod_limits(pod),
        pod_limited=memory.resize.pod_limits,
        applied=memory.resize.applied,
        unstarted=health.unstarted,
    )


def orphan(ref: PodRef, pod: Any | None, memory: Memory) -> Wanted:
    """What the API does not know (any more) leaves. `pod` is the last that was known of it."""
    return Wanted(ref=ref, members=members_of(pod) if pod else (), leaving=True, grace_seconds=FORCED_GRACE_SECONDS)


def members_of(pod: Any) -> Sequence[Member]:
    policy = pod.spec.restartPolicy or "Always"
    init_policy = "Never" if policy == "Never" else "OnFailure"
    return [
        *(_member(each, init_policy, init=True) for each in pod.spec.initContainers or ()),
        *(_member(each, policy) for each in pod.spec.containers),
        *(Member(each.name, spec_hash(each), False, "Never", True) for each in pod.spec.ephemeralContainers or ()),
    ]


def _member(container: Any, policy: str, *, init: bool = False) -> Member:
    """`policy` is for a container without one of its own."""
    rules = [
        Rule(each.action, frozenset(each.exitCodes.values or ()), each.exitCodes.operator != "NotIn")
        for each in container.restartPolicyRules or ()
        if each.exitCodes
    ]
    resizable = not init or container.restartPolicy == "Always"
    restarts_for = [each.resourceName for each in container.resizePolicy or () if each.restartPolicy != "NotRequired"]
    return Member(
        container.name,
        spec_hash(container),
        init,
        container.restartPolicy or policy,
        rules=rules,
        limits=container_limits(container) if resizable else None,
        restarts_for=frozenset(restarts_for),
    )


def spec_hash(container: Any) -> str:
    """Differs only with the image: nothing else of a running container may change."""
    return hashlib.sha256((container.image or "").encode()).hexdigest()[:16]


def _grace_seconds(pod: Any, leaving: bool, memory: Memory) -> int:
    """The least of what the deletion and the kubelet itself give, else the pod's own."""
    deletion = pod.metadata.deletionGracePeriodSeconds if leaving else None
    failure = memory.failure.grace_seconds if memory.failure else None
    given = [int(seconds) for seconds in (deletion, failure) if seconds is not None]
    own = pod.spec.terminationGracePeriodSeconds
    return max(0, min(given, default=30 if own is None else int(own)))


def _next_attempts(pod: Any) -> Sequence[tuple[str, int]]:
    status = pod.status
    if status is None:
        return ()
    told = [*(status.initContainerStatuses or ()), *(status.containerStatuses or ())]  # ephemeral ones run once
    return [(each.name, (each.restartCount or 0) + 1) for each in told if each.containerID]


def _ended(pod: Any) -> frozenset[str]:
    members = {member.name: member for member in members_of(pod)}
    status = pod.status
    if status is None or is_restarting(pod):
        return frozenset()
    told = [*(status.containerStatuses or ()), *(status.ephemeralContainerStatuses or ())]
    codes = {each.name: each.state.terminated.exitCode for each in told if each.state and each.state.terminated}
    return frozenset(name for name, code in codes.items() if name in members and not members[name].restarts_after(code))


def is_restarting(pod: Any) -> bool:
    """All containers of the pod are removed to start anew, or were: the condition outlives a kubelet that is killed."""
    conditions = (pod.status.conditions if pod.status else None) or ()
    return any(each.type == ALL_RESTARTING and each.status == "True" for each in conditions)


class Resolved(NamedTuple):
    """What a container needs beside its spec."""

    command: Sequence[str]
    args: Sequence[str]
    environment: Mapping[str, str]
    mounts: Sequence[Mount]
    image: ImageSeen


def container_wanted(pod: Any, name: str, attempt: int, node: NodeFacts, resolved: Resolved) -> ContainerWanted:
    """Raises `ConfigError` where the image's user breaks runAsNonRoot."""
    container = container_of(pod, name)
    return ContainerWanted(
        ref=ref_of(pod),
        name=name,
        attempt=attempt,
        image=container.image,
        command=resolved.command,
        args=resolved.args,
        environment=resolved.environment,
        working_dir=container.workingDir or "",
        mounts=resolved.mounts,
        stdin=bool(container.stdin),
        stdin_once=bool(container.stdinOnce),
        tty=bool(container.tty),
        security=security_of(pod, container, resolved.image, node.seccomp_default),
        limits=container_limits(container),
        oom_score_adjust=oom_score_adjust(pod, container, node.memory_bytes),
        stop_signal=_stop_signal(container),
        spec_hash=spec_hash(container),
        init=is_init(pod, name),
        termination_message_path=container.terminationMessagePath or "/dev/termination-log",
        fallback_to_logs=container.terminationMessagePolicy == "FallbackToLogsOnError",
    )


def _stop_signal(container: Any) -> str:
    """As the engine writes it: SIGRTMIN+1, where Kubernetes has SIGRTMINPLUS1."""
    name = (container.lifecycle.stopSignal if container.lifecycle else None) or ""
    return str(name).replace("PLUS", "+").replace("MINUS", "-")
