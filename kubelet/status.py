"""A pod's status, from its spec, what is seen on the engine and what waits. Pure.

`old` is the status as the API has it: what the engine no longer remembers is kept from there, and so is the time of a
condition that did not turn. Source: k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go, status/generate.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from kubelet.cgroups.resources import quality_of
from kubelet.container_status import Look, container_statuses
from kubelet.machine import Wanted, calling_for_all, current_sandbox
from kubelet.member import ALL, Member
from kubelet.memory import Failure, Waiting
from kubelet.resize import IN_PROGRESS, PENDING
from kubelet.resources_told import told_of_pod
from kubelet.runtime import PodSeen, State
from kubelet.wanted import ALL_RESTARTING
from podling.api.meta import timestamp

Data = dict[str, Any]
FIELDS = (  # of the status, that the kubelet writes
    "observedGeneration",
    "phase",
    "conditions",
    "message",
    "reason",
    "hostIP",
    "hostIPs",
    "podIP",
    "podIPs",
    "startTime",
    "initContainerStatuses",
    "containerStatuses",
    "ephemeralContainerStatuses",
    "qosClass",
    "resources",
    "allocatedResources",
)
OWNED = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
    ALL_RESTARTING,
    PENDING,
    IN_PROGRESS,
)
RESTARTS_ALL = ("RestartAllContainersStarted", "container exited with restart policy rule")
SHARED = ("DisruptionTarget",)  # conditions that the kubelet sets beside others


@dataclass(frozen=True)
class View:
    """What the status tells beside the spec and the engine."""

    now: datetime
    host_ips: Sequence[str] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    failure: Failure | None = None
    resize: Sequence[tuple[str, bool, str, str]] = ()  # the conditions of one: type, whether, reason, message
    readiness: Mapping[str, bool] = field(default_factory=dict)  # members that run, and whether they are ready
    recursive_read_only: bool = False  # the engine can mount so


def pod_status(pod: Any, wanted: Wanted, seen: PodSeen, old: Data, view: View) -> Data:
    if view.failure and view.failure.rejected:
        return _rejected(pod, old, view, view.failure)
    sandbox = current_sandbox(seen)
    ended = (wanted.leaving or wanted.over) and not any(each.state is State.RUNNING for each in seen.containers)
    look = Look(pod, wanted, seen, old, view.waiting, view.readiness, ended, view.recursive_read_only)
    inits = container_statuses(look, pod.spec.initContainers or (), "initContainerStatuses")
    apps = container_statuses(look, pod.spec.containers, "containerStatuses")
    guests = container_statuses(look, pod.spec.ephemeralContainers or (), "ephemeralContainerStatuses")
    phase = phase_of(wanted.members, inits, apps, ended)
    if old.get("phase") in ("Succeeded", "Failed"):
        phase = old["phase"]
    elif view.failure:
        phase = "Failed"
    ips = [sandbox.ip] if sandbox and sandbox.ip else []
    if sandbox and pod.spec.hostNetwork:
        ips = list(view.host_ips)
    told = _Told(phase, inits, apps, bool(sandbox and ips), _restarting(wanted, seen, old))
    status: Data = {
        "observedGeneration": pod.metadata.generation,
        "phase": phase,
        "conditions": _conditions(pod, told, old, view),
        "message": view.failure.message if view.failure else old.get("message"),
        "reason": view.failure.reason if view.failure else old.get("reason"),
        "hostIP": next(iter(view.host_ips), None),
        "hostIPs": [{"ip": ip} for ip in view.host_ips] or None,
        "podIP": ips[0] if ips else _kept_ip(old, phase),
        "podIPs": [{"ip": ip} for ip in ips] or (old.get("podIPs") if _kept_ip(old, phase) else None),
        "startTime": old.get("startTime") or timestamp(view.now),
        "initContainerStatuses": inits or None,
        "containerStatuses": apps or None,
        "ephemeralContainerStatuses": guests or None,
        "qosClass": old.get("qosClass") or quality_of(pod),
        **told_of_pod(pod),
    }
    return {key: value for key, value in status.items() if value is not None}


def _rejected(pod: Any, old: Data, view: View, failure: Failure) -> Data:
    """Of a pod that the node did not take: no container, no condition. Source: kubelet.go, rejectPod."""
    return {
        "observedGeneration": pod.metadata.generation,
        "phase": "Failed",
        "reason": failure.reason,
        "message": failure.message,
        "startTime": old.get("startTime") or timestamp(view.now),
        "qosClass": old.get("qosClass") or quality_of(pod),
    }


def _kept_ip(old: Data, phase: str) -> str | None:
    """A pod that ended still shows the address that it had."""
    return old.get("podIP") if phase in ("Succeeded", "Failed") else None


def phase_of(members: Sequence[Member], inits: Sequence[Data], apps: Sequence[Data], ended: bool) -> str:
    """Source: getPhase. `ended`: the pod is leaving and nothing of it runs."""
    by_name = {member.name: member for member in members}
    plain = [each for each in inits if not by_name[each["name"]].sidecar]
    if any(_init_failed(each) and not by_name[each["name"]].restarts_after(_exit_code(each) or 0) for each in plain):
        return "Failed"
    if ended:
        return "Succeeded" if apps and all(_exit_code(each) == 0 for each in apps) else "Failed"
    if any(not _has_run_through(each) for each in plain) and not _any_has_started(apps):
        return "Pending"
    running = [each for each in apps if "running" in each["state"]]
    stopped = [each for each in apps if "terminated" in each["state"] or _last_terminated(each)]
    waiting = [each for each in apps if each not in running and each not in stopped]
    if waiting or not apps:
        return "Pending"
    if running or any(by_name[each["name"]].restarts_after(_exit_code(each) or 0) for each in stopped):
        return "Running"
    return "Succeeded" if all(_exit_code(each) == 0 for each in apps) else "Failed"


def _any_has_started(apps: Sequence[Data]) -> bool:
    return any("running" in each["state"] or "terminated" in each["state"] for each in apps)


def _init_failed(status: Data) -> bool:
    code = _exit_code(status)
    return code is not None and code != 0


def _has_run_through(status: Data) -> bool:
    return _exit_code(status) == 0


def _exit_code(status: Data) -> int | None:
    """Of a container that does not run: how it ended last; None where it never did."""
    ended = status["state"].get("terminated")
    if ended is None and "waiting" in status["state"]:
        ended = _last_terminated(status)
    return None if ended is None else int(ended["exitCode"])


def _last_terminated(status: Data) -> Data | None:
    return status.get("lastState", {}).get("terminated") if "waiting" in status["state"] else None


class _Told(NamedTuple):
    phase: str
    inits: Sequence[Data]
    apps: Sequence[Data]
    has_network: bool
    restarting: bool | None  # all containers of the pod; None where no rule of the pod can ask for it


def _restarting(wanted: Wanted, seen: PodSeen, old: Data) -> bool | None:
    known = any(each["type"] == ALL_RESTARTING for each in old.get("conditions") or ())
    if not known and not any(rule.action == ALL for member in wanted.members for rule in member.rules):
        return None
    return bool(calling_for_all(wanted, seen)) and not wanted.leaving and not wanted.over


def _conditions(pod: Any, told: _Told, old: Data, view: View) -> Sequence[Data]:
    ready = _ready(told.phase, [*_sidecars(pod, told.inits), *told.apps])
    found = [
        *view.resize,
        ("PodReadyToStartContainers", told.has_network, "", ""),
        ("Initialized", *_initialized(pod, told)),
        ("Ready", *_gated(pod, ready, old)),
        ("ContainersReady", *ready),
        ("PodScheduled", True, "", ""),
    ]
    if told.restarting is not None:
        why = (
            ("RestartAllContainersStarted", "container exited with restart policy rule")
            if told.restarting
            else ("", "")
        )
        found.append((ALL_RESTARTING, told.restarting, *why))
    before = {each["type"]: each for each in old.get("conditions") or ()}
    told_of_failure = [
        (each["type"], each["status"] == "True", each.get("reason", ""), each.get("message", ""))
        for each in (view.failure.conditions if view.failure else ())
    ]
    found += told_of_failure
    ours = {each[0] for each in found}
    others = [each for type_, each in before.items() if type_ not in ours and type_ not in OWNED]
    return [*(_condition(pod, each, before.get(each[0]), view.now) for each in found), *others]


def _condition(pod: Any, told: tuple[str, bool, str, str], before: Data | None, now: datetime) -> Data:
    type_, holds, reason, message = told
    status = "True" if holds else "False"
    turned = before is None or before.get("status") != status
    since = timestamp(now) if turned or before is None else before.get("lastTransitionTime") or timestamp(now)
    condition = {"type": type_, "status": status, "lastTransitionTime": since}
    extra = {"observedGeneration": pod.metadata.generation, "reason": reason, "message": message}
    return condition | {key: value for key, value in extra.items() if value}


def _sidecars(pod: Any, inits: Sequence[Data]) -> Sequence[Data]:
    names = {each.name for each in pod.spec.initContainers or () if each.restartPolicy == "Always"}
    return [each for each in inits if each["name"] in names]


def _ready(phase: str, statuses: Sequence[Data]) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    unready = [each["name"] for each in statuses if not each["ready"]]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _gated(pod: Any, ready: tuple[bool, str, str], old: Data) -> tuple[bool, str, str]:
    """Readiness gates are conditions that others set."""
    if not ready[0]:
        return ready
    states = {each["type"]: each.get("status") for each in old.get("conditions") or ()}
    missing = []
    for gate in pod.spec.readinessGates or ():
        state = states.get(gate.conditionType)
        if state is None:
            missing.append(f'corresponding condition of pod readiness gate "{gate.conditionType}" does not exist.')
        elif state != "True":
            missing.append(f'the status of pod readiness gate "{gate.conditionType}" is not "True", but {state}')
    return (False, "ReadinessGatesNotReady", ", ".join(missing)) if missing else ready


def _initialized(pod: Any, told: _Told) -> tuple[bool, str, str]:
    inits = told.inits
    if told.phase == "Succeeded":
        return True, "PodCompleted", ""
    if _any_has_started(told.apps):
        return True, "", ""  # whatever becomes of its sidecars
    sidecars = {each["name"] for each in _sidecars(pod, inits)}
    incomplete = [
        each["name"] for each in inits if not (each.get("started") if each["name"] in sidecars else each["ready"])
    ]
    if incomplete:
        return False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return True, "", ""
