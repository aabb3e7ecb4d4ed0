"""In-place resize of a pod's cpu and memory: what the node admits of what is wanted, and the words for it. Pure.

    wanted is …                           admitted             condition PodResizePending
    ──────────────────────────────────────────────────────────────────────────────────────────
    what was admitted before              the same             (none)
    more than the node has at all         what was before      Infeasible
    more than its other pods leave        what was before      Deferred, asked again
    anything else                         what is wanted       (none)

What was admitted stands in the pod's status, so a kubelet that was killed finds it again; the machine brings containers
there. Source: k8s.io/kubernetes/pkg/kubelet/allocation, pkg/kubelet/events.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from podling.api import resources
from podling.api.quantity import parse

Data = dict[str, Any]
PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
INFEASIBLE, DEFERRED = "Infeasible", "Deferred"
SIDES = ("limits", "requests")


class Pending(NamedTuple):
    """Why a resize waits. `reason` is Infeasible or Deferred."""

    reason: str
    message: str


class Decision(NamedTuple):
    """`pod` is the pod with what is admitted in the place of what is wanted; `is_new`: that differs from before."""

    pod: Any
    pending: Pending | None = None
    is_new: bool = False


@dataclass
class Resize:
    """What the kubelet keeps in mind of a pod's resizes. `generation` is that of the one under way, None without one;
    `done` that of the last; `failed` why it does not go on; `pod_limits` what the pod's cgroup was last limited to,
    `applied` the containers, by id."""

    pending: Pending | None = None
    generation: int | None = None
    done: int | None = None
    failed: str = ""
    pod_limits: Any = None
    applied: set[tuple[str, Any]] = field(default_factory=set)


def decide(pod: Any, status: Mapping[str, Any], allocatable: Mapping[str, str], others: Iterable[Any]) -> Decision:
    """`status` is the pod's last; `others` the node's other pods, with what is admitted of each. `allocatable` is empty
    until the engine has told of itself: then all fits."""
    before = _admitted(pod, status)
    if before is pod:
        return Decision(pod)
    wanted, had = resources.requests(pod.spec), resources.requests(before.spec)
    grows = [name for name in (resources.CPU, resources.MEMORY) if wanted[name] > had[name]]
    if grows and allocatable and (why := _misfit(wanted, resources.amounts(allocatable), others)):
        return Decision(before, why)
    return Decision(pod, None, True)


def _misfit(wanted: Mapping[str, int], has: Mapping[str, int], others: Iterable[Any]) -> Pending | None:
    for name in (resources.MEMORY, resources.CPU):
        if wanted[name] > has[name]:
            words = f"{name}, requested: {wanted[name]}, capacity: {has[name]}"
            return Pending(INFEASIBLE, f"Node didn't have enough capacity: {words}")
    requested = [resources.requests(other.spec) for other in others]
    for name in (resources.CPU, resources.MEMORY):
        used = sum(each[name] for each in requested)
        if wanted[name] > has[name] - used:
            words = f"{name}, requested: {wanted[name]}, used: {used}, capacity: {has[name]}"
            return Pending(DEFERRED, f"Node didn't have enough resource: {words}")
    return None


def _admitted(pod: Any, status: Mapping[str, Any]) -> Any:
    """The pod as it was admitted; itself where nothing differs."""
    told = {each["name"]: each for each in _told(status) if each.get("containerID")}
    changes: Data = {}
    for part in ("initContainers", "containers"):
        old = getattr(pod.spec, part) or []
        new = [_with_admitted(each, told.get(each.name)) for each in old]
        if any(one is not other for one, other in zip(old, new, strict=True)):
            changes[part] = new
    own = status.get("resources")
    if own is not None and pod.spec.resources is not None and told:
        before = _pod_level(pod, status)
        if any(_differ(getattr(pod.spec.resources, side), before[side]) for side in SIDES):
            changes["resources"] = _with(pod.spec.resources, **before)
    return _with(pod, spec=_with(pod.spec, **changes)) if changes else pod


def _with(item: Any, **changes: Any) -> Any:
    """A shallow copy: what the API told is shared by all who read it."""
    made = copy(item)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def _told(status: Mapping[str, Any]) -> Iterator[Data]:
    for part in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(part) or ()


def _with_admitted(container: Any, told: Data | None) -> Any:
    """Limits as the engine has them now; what is not of cpu or memory cannot be resized, and stays."""
    if told is None or container.resources is None:
        return container
    before = {
        "limits": (told.get("resources") or {}).get("limits") or {},
        "requests": told.get("allocatedResources") or {},
    }
    if not any(_differ(getattr(container.resources, side), before[side]) for side in SIDES):
        return container
    kept = {side: _others(getattr(container.resources, side)) | _resizable(before[side]) for side in SIDES}
    return _with(container, resources=_with(container.resources, **kept))


def _pod_level(pod: Any, status: Mapping[str, Any]) -> Data:
    own = pod.spec.resources
    return {
        "limits": _others(own.limits) | _resizable((status.get("resources") or {}).get("limits") or {}),
        "requests": _others(own.requests) | _resizable(status.get("allocatedResources") or {}),
    }


def _differ(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> bool:
    first, second = _resizable(one or {}), _resizable(other or {})
    if first == second:
        return False
    return first.keys() != second.keys() or any(parse(first[key]) != parse(second[key]) for key in first)


def _resizable(amounts: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in amounts.items() if key in (resources.CPU, resources.MEMORY)}


def _others(amounts: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (amounts or {}).items() if key not in (resources.CPU, resources.MEMORY)}


def conditions(resize: Resize) -> list[tuple[str, bool, str, str]]:
    """Those that hold now: type, whether, reason, message."""
    found = []
    if resize.pending:
        found.append((PENDING, True, *resize.pending))
    if resize.generation is not None:
        found.append((IN_PROGRESS, True, "Error" if resize.failed else "", resize.failed))
    return found


def summary(pod: Any, generation: int, error: str = "") -> str:
    """What events say of a resize: the resources of each container."""
    found: Data = {}
    for part in ("initContainers", "containers"):
        if containers := getattr(pod.spec, part):
            found[part] = [{"name": each.name, "resources": _shown(each.resources)} for each in containers]
    found["generation"] = generation
    return json.dumps(found | ({"error": error} if error else {}), separators=(",", ":"))


def _shown(given: Any) -> Data:
    return {side: dict(sorted(found.items())) for side in SIDES if given and (found := getattr(given, side))}
