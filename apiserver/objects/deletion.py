"""What a DELETE does to an object, decided without doing it. Pure.

    decide(kind, object, options, now)
      ├── Wait      already on its way, nothing to write: answer with the object
      ├── Mark      write the marked object; it goes later (a kubelet, a finalizer's owner, a controller)
      ├── MarkAndGo write the marked object, then remove it (a pod with no grace)
      └── Go        remove it

Source: k8s.io/apiserver/pkg/registry/rest/delete.go and generic/registry/store.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.objects.objectmeta import FOREGROUND, ORPHAN
from podling.api.errors import GroupResource, conflict
from podling.api.meta import parse_time, timestamp

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """As the body and the query say together."""

    grace_seconds: int | None = None
    propagation: str = ""
    orphan_dependents: bool | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False

    def body(self) -> Object:
        """The DeleteOptions object, as admission sees it."""
        preconditions = {"uid": self.uid, "resourceVersion": self.resource_version}
        found: Object = {
            "gracePeriodSeconds": self.grace_seconds,
            "preconditions": {name: value for name, value in preconditions.items() if value is not None} or None,
            "orphanDependents": self.orphan_dependents,
            "propagationPolicy": self.propagation or None,
            "dryRun": ["All"] if self.dry_run else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def says_nothing(self) -> bool:
        """Of what the object owns."""
        return not self.propagation and self.orphan_dependents is None


class Step(Enum):
    WAIT = "wait"
    MARK = "mark"
    MARK_AND_GO = "mark and go"
    GO = "go"


def check_preconditions(kind: Kind, found: Object, options: DeleteOptions) -> None:
    meta = found["metadata"]
    if kind.mark is not None:
        return _check_marked(kind, meta, options)
    of = GroupResource(kind.group, kind.kind)  # the kind's name, not the resource's: Kubernetes says it so
    if options.uid is not None and options.uid != meta["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(of, meta["name"], why)
    if options.resource_version is not None and options.resource_version != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({meta['resourceVersion']}). The object might have been modified"
        )
        raise conflict(of, meta["name"], why)


def _check_marked(kind: Kind, meta: Object, options: DeleteOptions) -> None:
    """The words of the resource's own storage, which looks first."""
    for name, wanted, found in (
        ("UID", options.uid, meta["uid"]),
        ("ResourceVersion", options.resource_version, meta["resourceVersion"]),
    ):
        if wanted is not None and wanted != found:
            why = f"Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {found}"
            raise conflict(kind.resource, meta["name"], why)


def decide(kind: Kind, found: Object, options: DeleteOptions, now: datetime) -> Step:
    """`found` is the caller's own copy: it is marked in place."""
    meta = found["metadata"]
    if kind.mark is not None and not meta.get("deletionTimestamp"):
        kind.mark(found, timestamp(now))
        return Step.MARK
    if kind.terminate is not None:
        return _terminate(kind, found, options, now)
    graceful = pending = False
    if kind.grace_seconds is not None:
        graceful, pending = _grace(kind, found, options, now)
    if pending:
        return Step.WAIT
    before = list(meta.get("finalizers") or ())
    _set_finalizers(meta, _for_collection(kind, before, options))
    if graceful:
        if meta.get("finalizers") or meta["deletionGracePeriodSeconds"] > 0:
            return Step.MARK
        return Step.MARK_AND_GO
    if meta.get("finalizers"):
        changed = _mark(meta, now) or before != meta["finalizers"]
        return Step.MARK if changed else Step.WAIT
    return Step.GO


def _grace(kind: Kind, found: Object, options: DeleteOptions, now: datetime) -> tuple[bool, bool]:
    """(graceful, pending): whether a grace period was set now, whether one is already running."""
    assert kind.grace_seconds is not None
    meta = found["metadata"]
    seconds = options.grace_seconds
    if seconds is not None and seconds < 0:
        seconds = 1
    if meta.get("deletionTimestamp"):
        running = meta.get("deletionGracePeriodSeconds")
        if running is None:
            return False, False
        if seconds is None or seconds >= running:
            return False, True
        until = parse_time(meta["deletionTimestamp"]) + timedelta(seconds=seconds - running)
        meta["deletionTimestamp"], meta["deletionGracePeriodSeconds"] = timestamp(until), seconds
        return True, False
    default = kind.grace_seconds(found)
    seconds = default if seconds is None or default == 0 else seconds
    meta["deletionTimestamp"] = timestamp(now + timedelta(seconds=seconds))
    meta["deletionGracePeriodSeconds"] = seconds
    _bump(meta)
    return True, False


def _bump(meta: Object) -> None:
    if meta.get("generation"):
        meta["generation"] += 1


def _mark(meta: Object, now: datetime) -> bool:
    """An object that finalizers hold is marked as going; whether anything changed."""
    if meta.get("deletionGracePeriodSeconds") is None:
        _bump(meta)
    elif meta.get("deletionTimestamp") and parse_time(meta["deletionTimestamp"]) <= now:
        changed: bool = meta["deletionGracePeriodSeconds"] != 0
        meta["deletionGracePeriodSeconds"] = 0
        return changed
    meta["deletionTimestamp"], meta["deletionGracePeriodSeconds"] = timestamp(now), 0
    return True


def _terminate(kind: Kind, found: Object, options: DeleteOptions, now: datetime) -> Step:
    assert kind.terminate is not None
    meta = found["metadata"]
    if not meta.get("deletionTimestamp"):
        meta["deletionTimestamp"] = timestamp(now)
        _set_finalizers(meta, _for_collection(kind, meta.get("finalizers") or (), options))
        kind.terminate(found)
        return Step.MARK
    held = (found.get("spec") or {}).get("finalizers") or meta.get("finalizers")
    return Step.WAIT if held else Step.GO


def _for_collection(kind: Kind, finalizers: Sequence[str], options: DeleteOptions) -> list[str]:
    """The finalizers that tell the garbage collector what to do with what the object owns."""
    orphan, foreground = ORPHAN in finalizers, FOREGROUND in finalizers
    if kind.orphans and not foreground:
        orphan = True
    if options.orphan_dependents is not None:
        orphan, foreground = options.orphan_dependents, foreground and not options.orphan_dependents
    if options.propagation:
        orphan, foreground = options.propagation == "Orphan", options.propagation == "Foreground"
    wanted = [name for name in finalizers if name not in (ORPHAN, FOREGROUND)]
    wanted += [ORPHAN] if orphan else []
    wanted += [FOREGROUND] if foreground else []
    return list(finalizers) if set(wanted) == set(finalizers) else wanted


def _set_finalizers(meta: Object, finalizers: Sequence[str]) -> None:
    if finalizers:
        meta["finalizers"] = list(finalizers)
    else:
        meta.pop("finalizers", None)


def goes_with_update(kind: Kind, new: Object, old: Object) -> bool:
    """Whether an update took away the last thing that held an object which is being deleted."""
    meta, before = new["metadata"], old["metadata"]
    if not before.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if kind.terminate is not None and (new.get("spec") or {}).get("finalizers"):
        return False
    return before.get("deletionGracePeriodSeconds") in (None, 0)
