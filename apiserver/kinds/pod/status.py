"""The path `status` of a pod: who writes there says what is so, and may not unsay what is over.

Source: kubernetes/pkg/apis/core/validation.ValidatePodStatusUpdate, pkg/registry/core/pod/strategy.go.
"""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object, Subresource
from apiserver.kinds.pod.annotations import validate_annotations_update
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.pod.kept import keep_metadata
from apiserver.kinds.pod.statuses import validate_allocated, validate_claims, validate_users
from apiserver.kinds.strategy import READ_WRITE
from apiserver.kinds.workload import STATUS, immutable, spec_of, status_of
from podling.api import field
from podling.api.field import ErrorList, Path

PARTS = {
    "containerStatuses": "containers",
    "initContainerStatuses": "initContainers",
    "ephemeralContainerStatuses": "ephemeralContainers",
}
CONDITIONS = Path("metadata.conditions")  # Kubernetes names metadata here
SYSTEM = ("PodScheduled", "Ready", "Initialized")


def prepare_status(new: Object, old: Object) -> None:
    new["spec"] = old.get("spec", {})
    keep_metadata(new, old, ("ownerReferences",))
    status, was = new.setdefault("status", {}), status_of(old)
    for name in ("qosClass", "observedGeneration"):
        if not status.get(name) and was.get(name):
            status[name] = was[name]
    _keep_generations(status, was)


def _keep_generations(status: Object, was: Object) -> None:
    """A condition that does not say of which generation it tells: of the one before. A type may stand twice."""
    before: dict[str, list[int]] = {}
    for each in was.get("conditions") or ():
        before.setdefault(each.get("type", ""), []).append(each.get("observedGeneration", 0))
    for each in status.get("conditions") or ():
        left = before.get(each.get("type", ""))
        generation = left.pop(0) if left else 0
        if generation and not each.get("observedGeneration"):
            each["observedGeneration"] = generation


def validate_status(new: Object, old: Object) -> ErrorList:
    now, was, spec = status_of(new), status_of(old), spec_of(old)
    errors = validate_annotations_update(new, old) + _conditions(now.get("conditions") or ())
    errors += _nominated(now, was, spec)
    errors += _generation(now, STATUS.child("observedGeneration"))
    errors += immutable(now.get("qosClass", ""), was.get("qosClass", ""), STATUS.child("qosClass"))
    containers = [each for part in ("initContainers", "containers") for each in spec.get(part) or ()]
    if not any(map(calls_for_all, containers)):
        for part in ("containerStatuses", "initContainerStatuses"):
            errors += _transitions(now, was, part, spec)
    errors += _transitions(now, was, "ephemeralContainerStatuses", {})
    errors += validate_claims(now, spec)
    errors += _addresses(now, "podIPs") + _host_addresses(now)
    for part in PARTS:
        errors += validate_users(now.get(part) or (), spec, STATUS.child(part))
    for part, of in PARTS.items():
        errors += validate_allocated(now.get(part) or (), spec.get(of) or (), STATUS.child(part))
    return errors


def _conditions(conditions: Sequence[Object]) -> ErrorList:
    errors: ErrorList = []
    for position, condition in enumerate(conditions):
        kind, path = condition.get("type", ""), CONDITIONS.index(position)
        errors += _generation(condition, path.child("observedGeneration"))
        if kind not in SYSTEM:
            errors += names.each(path.child("Type"), kind, names.qualified(kind))
    return errors


def _generation(holder: Object, path: Path) -> ErrorList:
    value = holder.get("observedGeneration") or 0
    return [field.invalid(path, value, "must be a non-negative integer")] if value < 0 else []


def _nominated(now: Object, was: Object, spec: Object) -> ErrorList:
    name, path = now.get("nominatedNodeName", ""), STATUS.child("nominatedNodeName")
    if not name or name == was.get("nominatedNodeName", ""):
        return []
    errors = names.each(path, name, names.subdomain(name))
    if spec.get("nodeName"):
        errors.append(field.forbidden(path, "may not be set on pods that are already bound to a node"))
    return errors


def _host_addresses(status: Object) -> ErrorList:
    found = status.get("hostIPs") or ()
    if not found:
        return []
    first = found[0].get("ip", "")
    errors: ErrorList = []
    if status.get("hostIP", "") != first:
        path = STATUS.child("hostIPs").index(0).child("ip")
        errors.append(field.invalid(path, first, "must be equal to `hostIP`"))
    return errors + _addresses(status, "hostIPs")


def _addresses(status: Object, name: str) -> ErrorList:
    """At most one address a family. Source: validatePodIPs."""
    path = STATUS.child(name)
    found = [each.get("ip", "") for each in status.get(name) or ()]
    errors: ErrorList = []
    for position, address in enumerate(found):
        errors += validate_address(address, path.index(position))
    if len(found) > 1 and len({":" in address for address in found}) < len(found):
        shown = [{"IP": address} for address in found]
        errors.append(field.invalid(path, shown, "may specify no more than one IP for each IP family"))
    twice = [position for position, address in enumerate(found) if address in found[:position]]
    return errors + [field.duplicate(path.index(position), {"IP": found[position]}) for position in twice]


def _transitions(now: Object, was: Object, part: str, spec: Object) -> ErrorList:
    """A container that has ended for good cannot have a state again; one that the spec does not know has."""
    found = {each.get("name"): each for each in now.get(part) or ()}
    containers = {each.get("name"): each for each in spec.get(PARTS[part]) or ()}
    errors: ErrorList = []
    for position, before in enumerate(was.get(part) or ()):
        name, ended = before.get("name"), (before.get("state") or {}).get("terminated")
        if ended is None or name not in found or (found[name].get("state") or {}).get("terminated") is not None:
            continue
        container = containers.get(name)
        if container is None or not may_restart(container, spec.get("restartPolicy", ""), ended.get("exitCode", 0)):
            path = STATUS.child(part).index(position).child("state")
            errors.append(field.forbidden(path, "may not be transitioned to non-terminated state"))
    return errors


def may_restart(container: Object, policy: str, exit_code: int) -> bool:
    """After it ended so: by its rules, else by its own policy, else by the pod's."""
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        if (exit_code in (codes.get("values") or ())) is (codes.get("operator") == "In"):
            return True
    policy = container.get("restartPolicy") or policy
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def calls_for_all(container: Object) -> bool:
    return any(rule.get("action") == "RestartAllContainers" for rule in container.get("restartPolicyRules") or ())


STATUS_PATH = Subresource("status", READ_WRITE, prepare_update=prepare_status, validate_update=validate_status)
