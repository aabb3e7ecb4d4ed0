"""The path `resize`: cpu and memory of a pod that may run already, of its containers and its own.

Source: kubernetes/pkg/registry/core/pod/strategy.go (dropNonResizeUpdates), validation.ValidatePodResize.
"""

from copy import deepcopy
from typing import Any

from apiserver.kinds.kind import Object
from apiserver.kinds.pod.annotations import MIRROR
from apiserver.kinds.pod.kept import keep_metadata
from apiserver.kinds.pod.validate import SPEC, validate_pod
from podling.api import field
from podling.api.field import ErrorList, Path
from podling.api.pod_resources import amounts, is_sidecar, qos_class

MUTABLE = ("cpu", "memory")
PARTS = {"containers": "containers", "initContainers": "initContainers"}
SIDES = ("requests", "limits")


def prepare_resize(new: Object, old: Object) -> None:
    """Everything but resources is as it was. Containers that came, went or changed their names stay to be refused."""
    wanted = new.get("spec") or {}
    new["spec"] = deepcopy(old.get("spec", {}))
    _take(wanted, new["spec"], "resources")
    for part in PARTS:
        if part in wanted and _names(wanted, part) != _names(new["spec"], part):
            new["spec"][part] = wanted[part]
            continue
        for asked, container in zip(wanted.get(part) or (), new["spec"].get(part) or (), strict=False):
            for name in ("resources", "resizePolicy"):
                _take(asked, container, name)
    new["status"] = old.get("status", {})
    keep_metadata(new, old)


def _take(wanted: Object, into: Object, name: str) -> None:
    into.pop(name, None)
    if name in wanted:
        into[name] = wanted[name]


def _names(spec: Object, part: str) -> list[str]:
    return [each.get("name", "") for each in spec.get(part) or ()]


def validate_resize(new: Object, old: Object) -> ErrorList:
    errors = validate_pod(new)
    after, before, status = new["spec"], old["spec"], old.get("status") or {}
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [field.forbidden(Path(), "static pods cannot be resized")]
    if (before.get("os") or {}).get("name") == "windows":
        return [field.forbidden(Path(), "windows pods cannot be resized")]
    quality = status.get("qosClass") or qos_class(before)
    if qos_class(after) != quality:
        errors.append(field.invalid(SPEC, quality, "Pod QOS Class may not change as a result of resizing"))
    if not _supports_resize(status):
        errors.append(field.forbidden(SPEC, "Pod running on node without support for resize"))
    errors += _pod_level(after.get("resources"), before.get("resources"))
    if status.get("nodeAllocatableResourceClaimStatuses"):
        words = "pods with node allocatable resource claims cannot be resized"
        errors.append(field.forbidden(SPEC, words))
    if odd := _order(after, before):
        return errors + odd
    for part in ("initContainers", "containers"):
        for position, (now, was) in enumerate(zip(after.get(part) or (), before.get(part) or (), strict=True)):
            errors += _removed(now, was, SPEC.child(part).index(position).child("resources"))
    wrong = [pair for pair in _pairs(after, before, "containers") if _changes_others(*pair)]
    errors += [field.forbidden(SPEC, "only cpu and memory resources are mutable") for _ in wrong]
    return errors + _init(after, before)


def _supports_resize(status: Object) -> bool:
    """A kubelet that can tells the resources of what runs."""
    running = [each for each in status.get("containerStatuses") or () if "running" in (each.get("state") or {})]
    return not running or running[0].get("resources") is not None


def _pairs(after: Object, before: Object, part: str) -> list[tuple[Object, Object]]:
    return list(zip(after.get(part) or (), before.get(part) or (), strict=True))


def _pod_level(now: Object | None, was: Object | None) -> ErrorList:
    path = SPEC.child("resources")
    if was and now is None:
        return [field.forbidden(path, "pod-level resources cannot be removed")]
    now, was = now or {}, was or {}
    errors = [
        field.forbidden(path.child(side), f"pod-level resource {side} cannot be removed")
        for side in SIDES
        if _lacks(now, was, side)
    ]
    if _others(now) != _others(was):
        errors.append(field.forbidden(SPEC, "only cpu and memory resources are mutable at pod-level"))
    return errors


def _order(after: Object, before: Object) -> ErrorList:
    errors: ErrorList = []
    for part in PARTS:
        now, was = _names(after, part), _names(before, part)
        if len(now) != len(was):
            errors.append(field.forbidden(SPEC.child(part), f"{part} may not be added or removed on resize"))
            continue
        for position, (one, other) in enumerate(zip(now, was, strict=True)):
            if one != other:
                path = SPEC.child(part).index(position).child("name")
                errors.append(field.forbidden(path, f"{part} may not be renamed or reordered on resize"))
    return errors


def _removed(now: Object, was: Object, path: Path) -> ErrorList:
    found = now.get("resources") or {}, was.get("resources") or {}
    return [
        field.forbidden(path.child(side), f"resource {side} cannot be removed")
        for side in SIDES
        if _lacks(*found, side)
    ]


def _lacks(now: Object, was: Object, side: str) -> bool:
    return any(name not in (now.get(side) or {}) for name in was.get(side) or {})


def _init(after: Object, before: Object) -> ErrorList:
    errors: ErrorList = []
    for position, (now, was) in enumerate(_pairs(after, before, "initContainers")):
        path = SPEC.child("initContainers").index(position)
        if _changes_others(now, was):
            words = "only cpu and memory resources for init or sidecar containers are mutable"
            errors.append(field.forbidden(path, words))
        restarts = any(each.get("restartPolicy") == "RestartContainer" for each in now.get("resizePolicy") or ())
        if now != was and not is_sidecar(now) and restarts:
            words = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            errors.append(field.forbidden(path, words))
    return errors


def _changes_others(now: Object, was: Object) -> bool:
    """Beside cpu and memory."""
    if (now.get("resizePolicy") or []) != (was.get("resizePolicy") or []):
        return True
    return _others(now.get("resources") or {}) != _others(was.get("resources") or {})


def _others(resources: Object) -> dict[str, Any]:
    found: dict[str, Any] = {
        side: {name: amount for name, amount in amounts(resources.get(side)).items() if name not in MUTABLE}
        for side in SIDES
    }
    return found | {"claims": resources.get("claims") or []}
