"""What the server says of a definition: which names it has, whether it is served, that it goes. Pure.

    NamesAccepted            no other definition of the group has one of its names
    Established              its resources are served; stays so
    KubernetesAPIApprovalPolicyConformant, of protected groups
    Terminating              its objects are being deleted

Source: k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,apiapproval,finalizer}.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, NamedTuple

from apiserver.crd import names
from apiserver.crd.approval import APPROVED, approval, is_protected
from podling.api import conditions

Object = dict[str, Any]

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
CONFORMANT = "KubernetesAPIApprovalPolicyConformant"


def find(definition: Object, type_: str) -> Object | None:
    return conditions.find((definition.get("status") or {}).get("conditions"), type_)


def is_true(definition: Object | None, type_: str) -> bool:
    return conditions.holds(((definition or {}).get("status") or {}).get("conditions"), type_)


class Said(NamedTuple):
    """What a condition says, but since when."""

    status: str
    reason: str
    message: str


NO_CONFLICTS = Said("True", "NoConflicts", "no conflicts found")


def say(definition: Object, type_: str, said: Said, now: str) -> None:
    """In place."""
    body = definition.setdefault("status", {})
    body["conditions"] = conditions.turned(body.get("conditions"), {"type": type_, **said._asdict()}, now)


def _says(definition: Object, type_: str, said: Said) -> bool:
    found = find(definition, type_) or {}
    return tuple(found.get(name) for name in Said._fields) == said


def named(definition: Object, others: Iterable[Object], now: str) -> Object:
    """The definition with the names that it has now; `others` are the other definitions of its group."""
    spec, status = definition["spec"], definition.get("status") or {}
    so_far = status.get("acceptedNames") or {}
    new = deepcopy(definition)
    if _plain(spec["names"]) != _plain(so_far):
        found = names.accept(spec["names"], so_far, names.claimed(others))
        said = Said("False", found.reason, found.message) if found.reason else NO_CONFLICTS
        if found.names != so_far or not _says(definition, "NamesAccepted", said):
            new["status"] = {**status, "acceptedNames": found.names}
            say(new, "NamesAccepted", said, now)
            _establish(new, not found.reason, now)
    if is_protected(spec.get("group", "")):
        approved = approval(definition)
        said = Said("True" if approved.reason == APPROVED else "False", *approved)
        if not _says(definition, CONFORMANT, said):
            say(new, CONFORMANT, said, now)
    return new


def _plain(found: Object) -> Object:
    return {name: value for name, value in found.items() if value}


def _establish(definition: Object, accepted: bool, now: str) -> None:
    if accepted and not is_true(definition, "Established"):
        say(definition, "Established", Said("False", "Installing", "the initial names have been accepted"), now)
    elif find(definition, "Established") is None:
        say(definition, "Established", Said("False", "NotAccepted", "not all names are accepted"), now)


def established(definition: Object, now: str) -> Object:
    new = deepcopy(definition)
    words = "the initial names have been accepted"
    say(new, "Established", Said("True", "InitialNamesAccepted", words), now)
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
    say(definition, "Terminating", Said("True", "InstanceDeletionPending", words), now)


def emptying(definition: Object, now: str) -> Object:
    new = deepcopy(definition)
    words = "CustomResource deletion is in progress"
    say(new, "Terminating", Said("True", "InstanceDeletionInProgress", words), now)
    return new


def not_emptied(definition: Object, why: str, now: str) -> Object:
    new = deepcopy(definition)
    words = f"could not issue all deletes: {why}"
    say(new, "Terminating", Said("True", "InstanceDeletionFailed", words), now)
    return new


def emptied(definition: Object, now: str) -> Object:
    """Nothing is left of it: it may go."""
    new = deepcopy(definition)
    said = ("NeverEstablished", "resource was never established")
    if is_true(definition, "Established"):
        said = ("InstanceDeletionCompleted", "removed all instances")
    say(new, "Terminating", Said("False", *said), now)
    meta = new["metadata"]
    meta["finalizers"] = [name for name in meta.get("finalizers") or () if name != CLEANUP]
    if not meta["finalizers"]:
        del meta["finalizers"]
    return new
