"""From a pod's spec to what the machine decides on and what the runtime is asked for. Pure.

Defaults are the API server's work; what is absent here means the engine's default.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubelet.environment import ConfigError
from kubelet.limits import container_limits, pod_limits
from kubelet.machine import Failing, Member, Wanted
from kubelet.memory import Memory
from kubelet.resources import oom_score_adjust
from kubelet.runtime import ContainerWanted, Engine, ImageSeen, Mount, PodRef, SandboxWanted

FORCED_GRACE_SECONDS = 2  # what a pod gets that was deleted by force
TERMINAL = ("Succeeded", "Failed")


class Dns(NamedTuple):
    """A resolv.conf."""

    nameservers: Sequence[str] = ()
    searches: Sequence[str] = ()
    options: Sequence[str] = ()


@dataclass(frozen=True)
class NodeFacts:
    """What pods are told of their node. `pod_environment` are variables that every container gets."""

    node_name: str
    host_ips: Sequence[str] = ()
    host_dns: Dns = field(default_factory=Dns)
    cluster_dns: str = ""
    cluster_domain: str = "cluster.local"
    memory_bytes: int = 0
    allocatable: Mapping[str, str] = field(default_factory=dict)
    engine: Engine | None = None  # None until it has answered


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
        failing=health.failing,
        unstarted=health.unstarted,
    )


def orphan(ref: PodRef, pod: Any | None, memory: Memory) -> Wanted:
    """What the API does not know (any more) leaves. `pod` is the last that was known of it."""
    return Wanted(ref=ref, members=members_of(pod) if pod else (), leaving=True, grace_seconds=FORCED_GRACE_SECONDS)


def members_of(pod: Any) -> Sequence[Member]:
    policy = pod.spec.restartPolicy or "Always"
    return [
        *(_init_member(each, policy) for each in pod.spec.initContainers or ()),
        *(Member(each.name, spec_hash(each), False, each.restartPolicy or policy) for each in pod.spec.containers),
        *(Member(each.name, spec_hash(each), False, "Never", True) for each in pod.spec.ephemeralContainers or ()),
    ]


def _init_member(container: Any, policy: str) -> Member:
    own = container.restartPolicy or ("Never" if policy == "Never" else "OnFailure")
    return Member(container.name, spec_hash(container), True, own)


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
    policies = {member.name: member.policy for member in members_of(pod)}
    found = set()
    status = pod.status
    for each in [*(status.containerStatuses or ()), *(status.ephemeralContainerStatuses or ())] if status else ():
        ended = each.state.terminated if each.state else None
        policy = policies.get(each.name, "Always")
        if ended and (policy == "Never" or (policy == "OnFailure" and ended.exitCode == 0)):
            found.add(each.name)
    return frozenset(found)


def hostname_of(pod: Any) -> str:
    name = pod.spec.hostname or pod.metadata.name
    return str(name)[:63].rstrip("-.")


def sandbox_wanted(pod: Any, attempt: int, node: NodeFacts) -> SandboxWanted:
    spec = pod.spec
    dns = dns_of(pod, node)
    context = spec.securityContext
    return SandboxWanted(
        ref=ref_of(pod),
        attempt=attempt,
        hostname=hostname_of(pod),
        host_network=bool(spec.hostNetwork),
        host_pid=bool(spec.hostPID),
        host_ipc=bool(spec.hostIPC),
        share_process_namespace=bool(spec.shareProcessNamespace),
        host_aliases={alias.ip: alias.hostnames or () for alias in spec.hostAliases or ()},
        nameservers=dns.nameservers,
        searches=dns.searches,
        dns_options=dns.options,
        sysctls={each.name: each.value for each in (context.sysctls if context else None) or ()},
        labels=pod.metadata.labels or {},
        limits=pod_limits(pod),
    )


def dns_of(pod: Any, node: NodeFacts) -> Dns:
    """The pod's resolv.conf. Source: k8s.io/kubernetes/pkg/kubelet/network/dns."""
    policy = pod.spec.dnsPolicy or "ClusterFirst"
    if policy == "ClusterFirst" and pod.spec.hostNetwork:
        policy = "Default"
    base = node.host_dns
    if policy == "None":
        base = Dns()
    elif policy != "Default" and node.cluster_dns:
        domain = node.cluster_domain
        own = [f"{pod.metadata.namespace}.svc.{domain}", f"svc.{domain}", domain]
        base = Dns([node.cluster_dns], [*own, *node.host_dns.searches], ["ndots:5"])
    config = pod.spec.dnsConfig
    if config is None:
        return base
    options = {option.partition(":")[0]: option for option in base.options}
    options |= {each.name: f"{each.name}:{each.value}" if each.value else each.name for each in config.options or ()}
    return Dns(
        _unique([*base.nameservers, *(config.nameservers or ())]),
        _unique([*base.searches, *(config.searches or ())]),
        list(options.values()),
    )


def _unique(items: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys(items))


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
    own, whole = container.securityContext, pod.spec.securityContext
    capabilities = own.capabilities if own else None
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
        user=user_of(pod, container, resolved.image),
        groups=_groups(whole),
        privileged=bool(own and own.privileged),
        read_only_root=bool(own and own.readOnlyRootFilesystem),
        add_capabilities=(capabilities.add if capabilities else None) or (),
        drop_capabilities=(capabilities.drop if capabilities else None) or (),
        no_new_privileges=bool(own and own.allowPrivilegeEscalation is False),
        seccomp=_seccomp((own and own.seccompProfile) or (whole and whole.seccompProfile)),
        limits=container_limits(container),
        oom_score_adjust=oom_score_adjust(pod, container, node.memory_bytes),
        stop_signal=(container.lifecycle.stopSignal if container.lifecycle else None) or "",
        spec_hash=spec_hash(container),
        init=is_init(pod, name),
        termination_message_path=container.terminationMessagePath or "/dev/termination-log",
        fallback_to_logs=container.terminationMessagePolicy == "FallbackToLogsOnError",
    )


def _groups(context: Any) -> Sequence[int]:
    if context is None:
        return ()
    fs_group = [] if context.fsGroup is None else [context.fsGroup]
    return [*(context.supplementalGroups or ()), *fs_group]


def _seccomp(profile: Any) -> str:
    if not profile or profile.type == "Unconfined":
        return "unconfined"
    return "runtime/default" if profile.type == "RuntimeDefault" else str(profile.localhostProfile)


def _effective(pod: Any, container: Any, name: str) -> Any:
    """A securityContext field of the container, else of the pod."""
    for context in (container.securityContext, pod.spec.securityContext):
        value = getattr(context, name, None) if context else None
        if value is not None:
            return value
    return None


def user_of(pod: Any, container: Any, image: ImageSeen) -> str:
    """`uid[:gid]`, or "" for the image's own. Source: k8s.io/kubernetes/pkg/kubelet/kuberuntime/security_context.go."""
    user, group = _effective(pod, container, "runAsUser"), _effective(pod, container, "runAsGroup")
    if _effective(pod, container, "runAsNonRoot"):
        _check_not_root(pod, container, user, image)
    if user is None and group is None:
        return ""
    base = str(user) if user is not None else image.user.partition(":")[0] or "0"
    return base if group is None else f"{base}:{group}"


def _check_not_root(pod: Any, container: Any, user: int | None, image: ImageSeen) -> None:
    where = f'(pod: "{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})", container: {container.name})'
    if user == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
    if user is not None:
        return
    name = image.user.partition(":")[0]
    if name in ("", "0"):
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdigit():
        why = f"image has non-numeric user ({name}), cannot verify user is non-root"
        raise ConfigError(f"container has runAsNonRoot and {why} {where}")
