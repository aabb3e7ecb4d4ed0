"""A pod's other paths: `status`, `ephemeralcontainers`, `resize`. Each puts back what is not its own to change.

Source: kubernetes/pkg/registry/core/pod/strategy.go and the validation that it calls.
"""

from collections.abc import Sequence
from copy import deepcopy

from apiserver.kinds import names
from apiserver.kinds.go import ephemeral_difference
from apiserver.kinds.kind import Object, Subresource
from apiserver.kinds.pod.annotations import MIRROR
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.pod.kept import keep_metadata
from apiserver.kinds.pod.resize import prepare_resize, validate_resize
from apiserver.kinds.pod.validate import SPEC, validate_pod
from podling.api import field
from podling.api.field import ErrorList, Path

STATUS = Path("status")
PARTS = ("initContainers", "containers")


def prepare_status(new: Object, old: Object) -> None:
    new["spec"] = old.get("spec", {})
    keep_metadata(new, old, ("ownerReferences",))
    status = new.setdefault("status", {})
    if old_class := (old.get("status") or {}).get("qosClass"):
        status["qosClass"] = old_class


def validate_status(new: Object, old: Object) -> ErrorList:
    now, was = new.get("status") or {}, old.get("status") or {}
    errors: ErrorList = []
    nominated = now.get("nominatedNodeName", "")
    if nominated and nominated != was.get("nominatedNodeName", ""):
        errors += names.each(STATUS.child("nominatedNodeName"), nominated, names.subdomain(nominated))
    conditions: ErrorList = []
    for position, condition in enumerate(now.get("conditions") or ()):
        kind = condition.get("type", "")
        path = Path("metadata.conditions").index(position).child("Type")  # Kubernetes names metadata here
        conditions += names.each(path, kind, names.qualified(kind))
    spec = old.get("spec") or {}
    policy = spec.get("restartPolicy", "Always")
    all_restart = any(calls_for_all(each) for part in PARTS for each in spec.get(part) or ())
    if policy != "Always" and not all_restart:
        errors += _transitions(now, was, "containerStatuses", policy, spec.get("containers") or ())
        errors += _transitions(now, was, "initContainerStatuses", policy, spec.get("initContainers") or ())
    errors += _transitions(now, was, "ephemeralContainerStatuses", "Never", ())
    return conditions + errors + _addresses(now, "podIPs") + _host_addresses(now)


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


def _transitions(now: Object, was: Object, part: str, policy: str, containers: Sequence[Object]) -> ErrorList:
    """A container that has ended for good cannot have a state again. `policy` is for those without one of their own."""
    found = {each.get("name"): each for each in now.get(part) or ()}
    specs = {each.get("name"): each for each in containers}
    errors: ErrorList = []
    for position, before in enumerate(was.get(part) or ()):
        name, ended = before.get("name"), (before.get("state") or {}).get("terminated")
        if ended is None or may_restart(specs.get(name) or {}, policy, ended.get("exitCode", 0)):
            continue
        if name in found and (found[name].get("state") or {}).get("terminated") is None:
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


def prepare_ephemeral(new: Object, old: Object) -> None:
    wanted = (new.get("spec") or {}).get("ephemeralContainers")
    new["spec"] = deepcopy(old.get("spec", {}))
    new["spec"].pop("ephemeralContainers", None)
    if wanted:
        new["spec"]["ephemeralContainers"] = wanted
    new["status"] = old.get("status", {})
    keep_metadata(new, old)


def validate_ephemeral(new: Object, old: Object) -> ErrorList:
    """They may be added, never changed or taken away; a mirror pod cannot have any."""
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [field.forbidden(Path(), "static pods do not support ephemeral containers")]
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


_READ_WRITE = ("get", "patch", "update")
EPHEMERAL_CONTAINERS = Subresource(
    "ephemeralcontainers", _READ_WRITE, prepare_update=prepare_ephemeral, validate_update=validate_ephemeral
)
RESIZE = Subresource("resize", _READ_WRITE, prepare_update=prepare_resize, validate_update=validate_resize)
STATUS_PATH = Subresource("status", _READ_WRITE, prepare_update=prepare_status, validate_update=validate_status)
