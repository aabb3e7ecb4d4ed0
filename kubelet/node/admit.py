"""Whether this node takes a pod that was given to it: a list of checks, before anything of it starts. Pure.

The scheduler has looked at most of this already; a pod that names its node itself, or that lost a race, meets it here.
Whoever is rejected is over: phase Failed, with the check's reason, and never starts.
Source: k8s.io/kubernetes/pkg/kubelet/lifecycle, pkg/kubelet/sysctl.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kubelet.memory import Failure
from kubelet.node import eviction, shutdown
from kubelet.static.pods import is_static
from kubelet.sysctls import forbidden
from kubelet.wanted import NodeFacts, containers_of
from podling.api import node_affinity, resources
from podling.api.host_ports import host_ports
from podling.api.resources import PODS
from podling.api.taints import tolerates

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
        spec, allowed = candidate.pod.spec, candidate.node.allowed_sysctls
        if why := forbidden(each.name, bool(spec.hostNetwork), bool(spec.hostIPC), allowed):
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


def pressure(candidate: Candidate) -> Rejection | None:
    found = eviction.refusal(candidate.pod, candidate.node.pressure)
    return Rejection(*found) if found else None


def resources_fit(candidate: Candidate) -> Rejection | None:
    """cpu in milli-cores, pods by number, the rest in bytes."""
    wanted = {**resources.requests(candidate.pod.spec), PODS: 1}
    used = sum((resources.requests(other.spec) for other in candidate.others), Counter({PODS: len(candidate.others)}))
    for name in (PODS, *(name for name in wanted if name != PODS)):
        whole = candidate.node.allocatable.get(name)
        most = 0 if whole is None else resources.amount(name, whole)
        if whole is not None and 0 < wanted[name] > most - used[name]:
            amounts = f"requested: {wanted[name]}, used: {used[name]}, capacity: {most}"
            return Rejection(f"OutOf{name}", f"Node didn't have enough resource: {name}, {amounts}")
    return None


def affinity(candidate: Candidate) -> Rejection | None:
    wanted, node = node_affinity.required(candidate.pod.spec), candidate.node
    if wanted is None or not node.labels or wanted(node.labels, node.node_name):
        return None
    return Rejection("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")


def taints(candidate: Candidate) -> Rejection | None:
    """Static pods stay, whatever the node's taints."""
    stands = candidate.pod.spec.tolerations or ()
    for taint in () if is_static(candidate.pod) else candidate.node.taints:
        if not any(tolerates(each, taint.key, taint.value or "", taint.effect) for each in stands):
            why = "node(s) had taints that the pod didn't tolerate"
            return Rejection("TaintToleration", f"Predicate TaintToleration failed: {why}")
    return None


def node_shutdown(candidate: Candidate) -> Rejection | None:
    return Rejection(shutdown.REFUSED_REASON, shutdown.REFUSED_MESSAGE) if candidate.node.shutting_down else None


CHECKS: Sequence[Check] = (
    pressure,
    sysctls,
    os_label,
    os_field,
    resources_fit,
    affinity,
    ports,
    taints,
    app_armor,
    node_shutdown,
)


def rejection(candidate: Candidate) -> Rejection | None:
    """The first that a check finds."""
    return next((found for check in CHECKS if (found := check(candidate))), None)
