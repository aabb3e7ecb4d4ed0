"""A pod's other paths: `status`, `ephemeralcontainers`, `resize`. Each puts back what is not its own to change.

Source: kubernetes/pkg/registry/core/pod/strategy.go and the validation that it calls.
"""

from copy import deepcopy

from apiserver.kinds import names
from apiserver.kinds.kind import Object, Subresource
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.pod.go import ephemeral_difference
from apiserver.kinds.pod.resources import is_sidecar, qos_class
from apiserver.kinds.pod.validate import SPEC, validate_pod
from podling.api import field
from podling.api.field import ErrorList, Path

_META = ("labels", "annotations", "finalizers", "ownerReferences")
STATUS = Path("status")
MUTABLE = ("cpu", "memory")


def _keep_metadata(new: Object, old: Object, parts: tuple[str, ...] = _META) -> None:
    for name in parts:
        new["metadata"].pop(name, None)
        if name in old["metadata"]:
            new["metadata"][name] = old["metadata"][name]


def prepare_status(new: Object, old: Object) -> None:
    new["spec"] = old.get("spec", {})
    _keep_metadata(new, old, ("ownerReferences",))
    status = new.setdefault("status", {})
    if old_class := (old.get("status") or {}).get("qosClass"):
        status["qosClass"] = old_class


def validate_status(new: Object, old: Object) -> ErrorList:
    now, was = new.get("status") or {}, old.get("status") or {}
    errors: ErrorList = []
    nominated = now.get("nominatedNodeName", "")
    if nominated and nominated != was.get("nominatedNodeName", ""):
        errors += names.each(STATUS.child("nominatedNodeName"), nominated, names.subdomain(nominated))
    for position, condition in enumerate(now.get("conditions") or ()):
        kind = condition.get("type", "")
        errors += names.each(STATUS.child("conditions").index(position).child("Type"), kind, names.qualified(kind))
    errors += _transitions(new, old)
    return errors + _addresses(now)


def _addresses(status: Object) -> ErrorList:
    """At most one address a family. Source: validatePodIPs."""
    errors: ErrorList = []
    found = [each.get("ip", "") for each in status.get("podIPs") or ()]
    for position, address in enumerate(found):
        errors += validate_address(address, STATUS.child("podIPs").index(position))
    if len(found) > 1 and not errors:
        families = [":" in address for address in found]
        if len(set(families)) < len(families):
            words = "may specify no more than one IP for each IP family"
            errors.append(field.invalid(STATUS.child("podIPs"), found, words))
    return errors


def _transitions(new: Object, old: Object) -> ErrorList:
    """A container that has ended for good cannot have a state again."""
    policy = (old.get("spec") or {}).get("restartPolicy", "Always")
    if policy == "Always":
        return []
    now = {each.get("name"): each for each in (new.get("status") or {}).get("containerStatuses") or ()}
    errors: ErrorList = []
    for position, was in enumerate((old.get("status") or {}).get("containerStatuses") or ()):
        ended = (was.get("state") or {}).get("terminated")
        if ended is None or (ended.get("exitCode", 0) != 0 and policy == "OnFailure"):
            continue
        state = (now.get(was.get("name")) or {}).get("state") or {}
        if was.get("name") in now and state.get("terminated") is None:
            path = STATUS.child("containerStatuses").index(position).child("state")
            errors.append(field.forbidden(path, "may not be transitioned to non-terminated state"))
    return errors


def prepare_ephemeral(new: Object, old: Object) -> None:
    wanted = (new.get("spec") or {}).get("ephemeralContainers")
    new["spec"] = deepcopy(old.get("spec", {}))
    new["spec"].pop("ephemeralContainers", None)
    if wanted:
        new["spec"]["ephemeralContainers"] = wanted
    new["status"] = old.get("status", {})
    _keep_metadata(new, old)


def validate_ephemeral(new: Object, old: Object) -> ErrorList:
    """They may be added, never changed or taken away."""
    errors = validate_pod(new)
    path = SPEC.child("ephemeralContainers")
    found = {each.get("name"): each for each in new["spec"].get("ephemeralContainers") or ()}
    for was in old["spec"].get("ephemeralContainers") or ():
        now = found.get(was.get("name"))
        head = f'existing ephemeral containers "{was.get("name", "")}" may not be'
        if now is None:
            errors.append(field.forbidden(path, f"{head} removed\n"))
        elif now != was:
            errors.append(field.forbidden(path, f"{head} changed\n{ephemeral_difference(was, now)}"))
    return errors


def prepare_resize(new: Object, old: Object) -> None:
    wanted = new.get("spec") or {}
    new["spec"] = deepcopy(old.get("spec", {}))
    for part in ("containers", "initContainers"):
        by_name = {each.get("name"): each for each in wanted.get(part) or ()}
        for container in new["spec"].get(part) or ():
            asked = by_name.get(container.get("name"))
            if asked is not None and (part == "containers" or is_sidecar(container)):
                for name in ("resources", "resizePolicy"):
                    container.pop(name, None)
                    if name in asked:
                        container[name] = asked[name]
    new["status"] = old.get("status", {})
    _keep_metadata(new, old)


def validate_resize(new: Object, old: Object) -> ErrorList:
    errors = validate_pod(new)
    after, before = new["spec"], old["spec"]
    if qos_class(after) != qos_class(before):
        words = "Pod QOS Class may not change as a result of resizing"
        errors.append(field.invalid(SPEC, qos_class(after), words))
    changed = False
    for part in ("containers", "initContainers"):
        for position, (now, was) in enumerate(zip(after.get(part) or (), before.get(part) or (), strict=True)):
            path = SPEC.child(part).index(position).child("resources")
            for side in ("limits", "requests"):
                wanted, had = (each.get("resources", {}).get(side) or {} for each in (now, was))
                if any(name not in wanted for name in had if name in MUTABLE):
                    errors.append(field.forbidden(path.child(side), f"resource {side} cannot be removed"))
                changed |= _others(wanted) != _others(had)
    if changed:
        errors.append(field.forbidden(SPEC, "only cpu and memory resources are mutable"))
    return errors


def _others(found: Object) -> Object:
    return {name: amount for name, amount in found.items() if name not in MUTABLE}


_READ_WRITE = ("get", "patch", "update")
EPHEMERAL_CONTAINERS = Subresource(
    "ephemeralcontainers", _READ_WRITE, prepare_update=prepare_ephemeral, validate_update=validate_ephemeral
)
RESIZE = Subresource("resize", _READ_WRITE, prepare_update=prepare_resize, validate_update=validate_resize)
STATUS_PATH = Subresource("status", _READ_WRITE, prepare_update=prepare_status, validate_update=validate_status)
