"""What `kubectl get pods` shows. Source: kubernetes/pkg/printers/internalversion/printers.go, printPod.

The STATUS of a pod, in the order in which later words win:

    phase ─▶ status.reason ─▶ SchedulingGated
      ─▶ the first init container that is not done:  Init:Error  Init:CrashLoopBackOff  Init:Signal:9  Init:1/2
      ─▶ else the containers, last to first:         CrashLoopBackOff  Completed  Error  ExitCode:3  Signal:9
      ─▶ Completed beside a running container:       Running, or NotReady
      ─▶ being deleted:                              Terminating, or Unknown where the node is lost
"""

from typing import NamedTuple

from apiserver.kinds import columns
from apiserver.kinds.columns import NONE, age
from apiserver.kinds.kind import Column, Object
from podling.api.pod_resources import is_sidecar

TERMINAL = ("Succeeded", "Failed")


class Summary(NamedTuple):
    ready: str
    status: str
    restarts: str


def summary(pod: Object) -> Summary:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    inits = {each.get("name"): each for each in spec.get("initContainers") or ()}
    total = len(spec.get("containers") or ()) + sum(map(is_sidecar, inits.values()))
    reason = status.get("reason") or status.get("phase", "")
    if any(
        each.get("type") == "PodScheduled" and each.get("reason") == "SchedulingGated" for each in _conditions(status)
    ):
        reason = "SchedulingGated"
    init = _initializing(status, inits, len(inits))
    restarts, last, ready = init.restarts, init.last_restart, init.ready
    if init.reason:
        reason = init.reason
    if not init.reason or _is_true(status, "Initialized"):
        main = _running(status, reason)
        restarts, ready = init.sidecar_restarts + main.restarts, ready + main.ready
        last, reason = max(init.sidecar_last_restart, main.last_restart), main.reason
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            reason = "Unknown"
        elif status.get("phase") not in TERMINAL:
            reason = "Terminating"
    shown = f"{restarts} ({age(last)} ago)" if restarts and last else str(restarts)
    return Summary(f"{ready}/{total}", reason, shown)


class _Seen(NamedTuple):
    reason: str = ""
    ready: int = 0
    restarts: int = 0
    last_restart: str = ""
    sidecar_restarts: int = 0
    sidecar_last_restart: str = ""


def _conditions(status: Object) -> list[Object]:
    return status.get("conditions") or []


def _is_true(status: Object, kind: str) -> bool:
    return any(each.get("type") == kind and each.get("status") == "True" for each in _conditions(status))


def _finished(container: Object) -> str:
    """When it last ended before it was started again, or ""."""
    return ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    return f"Signal:{terminated['signal']}" if terminated.get("signal") else f"ExitCode:{terminated.get('exitCode', 0)}"


def _initializing(status: Object, inits: dict[str | None, Object], total: int) -> _Seen:
    """`reason` is "" once all init containers are done or, as sidecars, started."""
    seen = _Seen()
    for position, container in enumerate(status.get("initContainerStatuses") or ()):
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        count, finished = container.get("restartCount", 0), _finished(container)
        sidecar = is_sidecar(inits.get(container.get("name"), {}))
        seen = seen._replace(restarts=seen.restarts + count, last_restart=max(seen.last_restart, finished))
        if sidecar:
            seen = seen._replace(
                sidecar_restarts=seen.sidecar_restarts + count,
                sidecar_last_restart=max(seen.sidecar_last_restart, finished),
            )
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if sidecar and container.get("started"):
            seen = seen._replace(ready=seen.ready + bool(container.get("ready")))
            continue
        if terminated is not None:
            return seen._replace(reason=f"Init:{_ended(terminated)}")
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return seen._replace(reason=f"Init:{waiting['reason']}")
        return seen._replace(reason=f"Init:{position}/{total}")
    return seen


def _running(status: Object, reason: str) -> _Seen:
    ready = restarts = 0
    last = ""
    for container in reversed(status.get("containerStatuses") or []):
        state = container.get("state") or {}
        restarts += container.get("restartCount", 0)
        last = max(last, _finished(container))
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = _ended(state["terminated"])
        elif container.get("ready") and state.get("running") is not None:
            ready += 1
    if reason == "Completed" and ready:
        reason = "Running" if _is_true(status, "Ready") else "NotReady"
    return _Seen(reason, ready, restarts, last)


def _ip(pod: Object) -> str:
    status = pod.get("status") or {}
    addresses = status.get("podIPs") or ()
    return str((addresses[0].get("ip") if addresses else status.get("podIP")) or NONE)


def _gates(pod: Object) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates") or ()
    met = sum(_is_true(pod.get("status") or {}, gate.get("conditionType", "")) for gate in gates)
    return f"{met}/{len(gates)}" if gates else NONE


def row_conditions(pod: Object) -> list[Object]:
    """What a row of a Table says of a pod that has ended."""
    phase = (pod.get("status") or {}).get("phase")
    words = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}.get(str(phase))
    return [{"type": "Completed", "status": "True", "reason": phase, "message": words}] if words else []


COLUMNS = (
    columns.NAME,
    Column(
        "Ready",
        "string",
        "The aggregate readiness state of this pod for accepting traffic.",
        lambda pod: summary(pod).ready,
    ),
    Column("Status", "string", "The aggregate status of the containers in this pod.", lambda pod: summary(pod).status),
    Column(
        "Restarts",
        "string",
        "The number of times the containers in this pod have been restarted and when the last container in this pod "
        "has restarted.",
        lambda pod: summary(pod).restarts,
    ),
    columns.AGE,
    Column("IP", "string", columns.documented("core.v1.PodStatus", "podIP"), _ip, priority=1),
    Column(
        "Node",
        "string",
        columns.documented("core.v1.PodSpec", "nodeName"),
        lambda pod: (pod.get("spec") or {}).get("nodeName") or NONE,
        priority=1,
    ),
    Column(
        "Nominated Node",
        "string",
        columns.documented("core.v1.PodStatus", "nominatedNodeName"),
        lambda pod: (pod.get("status") or {}).get("nominatedNodeName") or NONE,
        priority=1,
    ),
    Column("Readiness Gates", "string", columns.documented("core.v1.PodSpec", "readinessGates"), _gates, priority=1),
)
