"""Whether this node takes a pod that was given to it: a list of checks, before anything of it starts. Pure.

The scheduler has looked at most of this already; a pod that names its node itself, or that lost a race, meets it here.
Whoever is rejected is over: phase Failed, with the check's reason, and never starts.
Source: k8s.io/kubernetes/pkg/kubelet/lifecycle, pkg/kubelet/sysctl.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kubelet.memory import Failure
from kubelet.sysctls import forbidden
from kubelet.wanted import NodeFacts, containers_of
from podling.api.host_ports import host_ports

OS = "linux"


class Candidate(NamedTuple):
    """`others` are the pods that the node has taken, as long as they are not over."""

    pod: Any
    others: Sequence[Any]
    node: NodeFacts


class Rejection(NamedTuple):
    reason: str
    message: str

    @property
    def failure(self) -> Failure:
        return Failure(self.reason, f"Pod was rejected: {self.message}", rejected=True)


Check = Callable[[Candidate], Rejection | None]


def sysctls(candidate: Candidate) -> Rejection | None:
    context = candidate.pod.spec.securityContext
    for each in (context.sysctls if context else None) or ():
        if why := forbidden(each.name, bool(candidate.pod.spec.hostNetwork), bool(candidate.pod.spec.hostIPC)):
            return Rejection("SysctlForbidden", f"forbidden sysctl: {why}")
    return None


def os_label(candidate: Candidate) -> Rejection | None:
    wanted = (candidate.pod.metadata.labels or {}).get("kubernetes.io/os", OS)
    if wanted == OS:
        return None
    message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
    return Rejection("PodOSSelectorNodeLabelDoesNotMatch", message)


def os_field(candidate: Candidate) -> Rejection | None:
    wanted = candidate.pod.spec.os
    if wanted is None or wanted.name == OS:
        return None
    return Rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")


def ports(candidate: Candidate) -> Rejection | None:
    wanted = host_ports(candidate.pod)
    taken = [port for other in candidate.others for port in host_ports(other)] if wanted else ()
    if not any(one.collides(other) for one in wanted for other in taken):
        return None
    why = "node(s) didn't have free ports for the requested pod ports"
    return Rejection("NodePorts", f"Predicate NodePorts failed: {why}")


def app_armor(candidate: Candidate) -> Rejection | None:
    engine = candidate.node.engine
    if engine is None or "apparmor" in engine.security or not _wants_app_armor(candidate.pod):
        return None
    return Rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")


def _wants_app_armor(pod: Any) -> bool:
    contexts = [pod.spec.securityContext, *(container.securityContext for container in containers_of(pod))]
    profiles = [context.appArmorProfile for context in contexts if context and context.appArmorProfile]
    return any(profile.type != "Unconfined" for profile in profiles)


CHECKS: Sequence[Check] = (sysctls, os_label, os_field, ports, app_armor)


def rejection(candidate: Candidate) -> Rejection | None:
    """The first that a check finds."""
    return next((found for check in CHECKS if (found := check(candidate))), None)
