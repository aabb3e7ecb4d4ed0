"""What the server says of a definition: which names it has, whether it is served, that it goes. Pure.

    NamesAccepted            no other definition of the group has one of its names
    Established              its resources are served; stays so
    KubernetesAPIApprovalPolicyConformant, of protected groups
    Terminating              its objects are being deleted

Source: k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,apiapproval,finalizer}.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from apiserver.crd import names
from apiserver.crd.approval import APPROVED, approval, is_protected
from apiserver.crd.rules import is_true

Object = dict[str, Any]

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


def find(definition: Object, condition: str) -> Object | None:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == condition), None)


def set_condition(definition: Object, type_: str, status: str, reason: str, message: str, now: str) -> None:  # noqa: PLR0917
    """In place."""
    body = definition.setdefault("status", {})
    conditions = body["conditions"] = [dict(each) for each in body.get("conditions") or ()]
    said = {"lastTransitionTime": now, "message": message, "reason": reason, "status": status, "type": type_}
    for position, each in enumerate(conditions):
        if each.get("type") == type_:
            if each.get("status") == status and each.get("lastTransitionTime"):
                said["lastTransitionTime"] = each["lastTransitionTime"]
            conditions[position] = {**each, **said}
            return
    conditions.append(said)


def _says(definition: Object, type_: str, status: str, reason: str, message: str) -> bool:
    found = find(definition, type_) or {}
    return (found.get("status"), found.get("reason"), found.get("message")) == (status, reason, message)


def named(definition: Object, others: Iterable[Object], now: str) -> Object:
    """The definition with the names that it has now; `others` are the other definitions of its group."""
    spec, status = definition["spec"], definition.get("status") or {}
    so_far = status.get("acceptedNames") or {}
    new = deepcopy(definition)
    if _plain(spec["names"]) != _plain(so_far):
        found = names.accept(spec["names"], so_far, names.claimed(others))
        said = ("False", found.reason, found.message) if found.reason else ("True", "NoConflicts", "no conflicts found")
        if found.names != so_far or not _says(definition, "NamesAccepted", *said):
            new["status"] = {**status, "acceptedNames": found.names}
            set_condition(new, "NamesAccepted", *said, now)
            _establish(new, not found.reason, now)
    if is_protected(spec.get("group", "")):
        approved = approval(definition)
        word = "True" if approved.reason == APPROVED else "False"
        if not _says(definition, "KubernetesAPIApprovalPolicyConformant", word, *approved):
            set_condition(new, "KubernetesAPIApprovalPolicyConformant", word, *approved, now)
    return new


def _plain(found: Object) -> Object:
    return {name: value for name, value in found.items() if value}


def _establish(definition: Object, accepted: bool, now: str) -> None:
    if accepted and not is_true(definition, "Established"):
        set_condition(definition, "Established", "False", "Installing", "the initial names have been accepted", now)
    elif find(definition, "Established") is None:
        set_condition(definition, "Established", "False", "NotAccepted", "not all names are accepted", now)


def established(definition: Object, now: str) -> Object:
    new = deepcopy(definition)
    words = "the initial names have been accepted"
    set_condition(new, "Established", "True", "InitialNamesAccepted", words, now)
    return new


def is_served(definition: Object) -> bool:
    return is_true(definition, "NamesAccepted") or is_true(definition, "Established")


def is_going(definition: Object) -> bool:
    meta = definition["metadata"]
    return bool(meta.get("deletionTimestamp")) and CLEANUP in (meta.get("finalizers") or ())


def mark(definition: Object, now: str) -> None:
    """The first DELETE of a definition: its objects go first. In place."""
    meta = definition["metadata"]
    meta["deletionTimestamp"] = now
    if CLEANUP not in (meta.get("finalizers") or ()):
        meta["finalizers"] = [*(meta.get("finalizers") or ()), CLEANUP]
    words = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    set_condition(definition, "Terminating", "True", "InstanceDeletionPending", words, now)


def emptying(definition: Object, now: str) -> Object:
    new = deepcopy(definition)
    words = "CustomResource deletion is in progress"
    set_condition(new, "Terminating", "True", "InstanceDeletionInProgress", words, now)
    return new


def not_emptied(definition: Object, why: str, now: str) -> Object:
    new = deepcopy(definition)
    words = f"could not issue all deletes: {why}"
    set_condition(new, "Terminating", "True", "InstanceDeletionFailed", words, now)
    return new


def emptied(definition: Object, now: str) -> Object:
    """Nothing is left of it: it may go."""
    new = deepcopy(definition)
    said = ("NeverEstablished", "resource was never established")
    if is_true(definition, "Established"):
        said = ("InstanceDeletionCompleted", "removed all instances")
    set_condition(new, "Terminating", "False", *said, now)
    meta = new["metadata"]
    meta["finalizers"] = [name for name in meta.get("finalizers") or () if name != CLEANUP]
    if not meta["finalizers"]:
        del meta["finalizers"]
    return new
