"""What a Job's status may say, and how it may go on: whoever runs a Job, its clients can trust what they read. Pure.

A rule is looked at only where what it is about changed: a status that was wrong before may still be written.
Source: kubernetes/pkg/apis/batch/validation (ValidateJobStatusUpdate), pkg/registry/batch/job.
"""

from apiserver.kinds.batch.policies import count_indexes, first_in_both
from apiserver.kinds.kind import Object
from apiserver.kinds.workload import STATUS, spec_of, status_of, validate_counts
from podling.api import field
from podling.api.field import ErrorList, FieldError
from podling.api.meta import parse_time

COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
FINISHED, MET, TARGET = {"Complete", "Failed"}, "SuccessCriteriaMet", "FailureTarget"
CONDITIONS, UNCOUNTED = STATUS.child("conditions"), STATUS.child("uncountedTerminatedPods")


def validate_status(new: Object, old: Object) -> ErrorList:
    errors = validate_counts(status_of(new), COUNTS, STATUS) + _uncounted(status_of(new))
    errors += _finish(new, old) + _indexes(new, old) + _pods(new, old) + _success(new)
    return errors + _transition(new, old)


def holding(obj: Object) -> set[str]:
    return {each.get("type", "") for each in status_of(obj).get("conditions") or () if each.get("status") == "True"}


def _condition(words: str) -> FieldError:
    return field.wrong(CONDITIONS, words)


def _uncounted(status: Object) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for name in ("succeeded", "failed"):
        for position, uid in enumerate((status.get("uncountedTerminatedPods") or {}).get(name) or ()):
            path = UNCOUNTED.child(name).index(position)
            if not uid:
                errors.append(field.invalid(path, uid, "must not be empty"))
            elif uid in seen:
                errors.append(field.duplicate(path, uid))
            seen.add(uid)
    return errors


def _finish(new: Object, old: Object) -> ErrorList:
    """Conditions and times of the end."""
    status, before = status_of(new), status_of(old)
    now, changed = holding(new), holding(new) ^ holding(old)
    errors: ErrorList = []
    if {"Complete", "Failed"} <= now and changed & FINISHED:
        errors.append(_condition("cannot set Complete=True and Failed=true conditions"))
    if {"Complete", TARGET} <= now and changed & {"Complete", TARGET}:
        errors.append(_condition("cannot set Complete=True and FailureTarget=true conditions"))
    start, end = status.get("startTime"), status.get("completionTime")
    started, ended = start != before.get("startTime"), end != before.get("completionTime")
    path = STATUS.child("completionTime")
    if end and "Complete" not in now and ("Complete" in changed or ended):
        words = "cannot set completionTime when there is no Complete=True condition"
        errors.append(field.invalid(path, end, words))
    if not end and "Complete" in now and ("Complete" in changed or ended):
        errors.append(field.required(path, "completionTime is required for Complete jobs"))
    if start and end and (started or ended) and parse_time(end) < parse_time(start):
        errors.append(field.invalid(path, end, "completionTime cannot be set before startTime"))
    if "Failed" in now and TARGET not in now and changed & {"Failed", TARGET}:
        errors.append(_condition("cannot set Failed=True condition without the FailureTarget=true condition"))
    if "Complete" in now and MET not in now and changed & {"Complete", MET}:
        errors.append(_condition("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"))
    return errors + _left(new, old)


def _left(new: Object, old: Object) -> ErrorList:
    """Nothing of a finished Job runs, and it did start."""
    status, before = status_of(new), status_of(old)
    if not holding(new) & FINISHED:
        return []
    finished = not holding(old) & FINISHED
    errors: ErrorList = []
    active, uncounted = status.get("active") or 0, status.get("uncountedTerminatedPods")
    if active > 0 and (finished or active != (before.get("active") or 0)):
        errors.append(field.invalid(STATUS.child("active"), active, "active>0 is invalid for finished job"))
    if not status.get("startTime") and (finished or before.get("startTime")):
        errors.append(field.required(STATUS.child("startTime"), "startTime is required for finished job"))
    if any((uncounted or {}).values()) and (finished or uncounted != before.get("uncountedTerminatedPods")):
        shown = {"Succeeded": (uncounted or {}).get("succeeded"), "Failed": (uncounted or {}).get("failed")}
        words = "uncountedTerminatedPods needs to be empty for finished job"
        errors.append(field.invalid(UNCOUNTED, shown, words))
    return errors


def _indexes(new: Object, old: Object) -> ErrorList:
    spec, status, before = spec_of(new), status_of(new), status_of(old)
    total, limit = spec.get("completions"), spec.get("backoffLimitPerIndex")
    done, failed = status.get("completedIndexes") or "", status.get("failedIndexes")
    done_changed, failed_changed = done != (before.get("completedIndexes") or ""), failed != before.get("failedIndexes")
    errors: ErrorList = []
    here, there = STATUS.child("completedIndexes"), STATUS.child("failedIndexes")
    if done_changed and total is not None:
        errors += _readable(done, total, "completedIndexes")
    if failed_changed and total is not None and limit is not None and failed is not None:
        errors += _readable(failed, total, "failedIndexes")
    if done_changed and done and spec.get("completionMode") != "Indexed":
        words = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errors.append(field.invalid(here, done, words))
    if failed_changed and failed is not None and limit is None:
        words = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errors.append(field.invalid(there, failed, words))
    if (done_changed or failed_changed) and failed is not None and total is not None:
        both = first_in_both(done, failed, total)
        if both is not None:
            words = f"failedIndexes and completedIndexes overlap at index: {both}"
            errors.append(field.invalid(there, failed, words))
    return errors


def _readable(text: str, total: int, name: str) -> ErrorList:
    try:
        count_indexes(text, total)
    except ValueError as error:
        return [field.invalid(STATUS.child(name), text, f"error parsing {name}: {error}")]
    return []


def _pods(new: Object, old: Object) -> ErrorList:
    status, before = status_of(new), status_of(old)
    errors: ErrorList = []
    terminating, ready, active = (status.get(name) for name in ("terminating", "ready", "active"))
    finished = bool(holding(new) & FINISHED)
    changed = terminating != before.get("terminating") or finished != bool(holding(old) & FINISHED)
    if finished and (terminating or 0) > 0 and changed:
        words = "terminating>0 is invalid for finished job"
        errors.append(field.invalid(STATUS.child("terminating"), terminating, words))
    changed = ready != before.get("ready") or (active or 0) != (before.get("active") or 0)
    if ready is not None and ready > (active or 0) and changed:
        errors.append(field.invalid(STATUS.child("ready"), ready, "cannot set more ready pods than active"))
    return errors


def _success(new: Object) -> ErrorList:
    now = holding(new)
    errors = [
        _condition(f"cannot set SuccessCriteriaMet=True and {other}=true conditions")
        for other in ("Failed", TARGET)
        if {MET, other} <= now
    ]
    if spec_of(new).get("successPolicy") is not None and MET not in now and "Complete" in now:
        words = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        errors.append(_condition(words))
    return errors


def _transition(new: Object, old: Object) -> ErrorList:
    """What is over stays over, and counts only grow."""
    spec, status, before, now, was = spec_of(new), status_of(new), status_of(old), holding(new), holding(old)
    errors = [
        _condition(f"cannot disable the terminal {kind}=True condition")
        for kind in ("Failed", "Complete", TARGET)
        if kind in was - now
    ]
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for name in ("failed",) if elastic else ("failed", "succeeded"):
        count = status.get(name) or 0
        if count < (before.get(name) or 0):
            errors.append(field.invalid(STATUS.child(name), count, f"cannot decrease the {name} counter"))
    end, ended = status.get("completionTime"), before.get("completionTime")
    if end and ended and end != ended:
        errors.append(field.invalid(STATUS.child("completionTime"), end, "completionTime cannot be mutated"))
    start = before.get("startTime")
    if start and status.get("startTime") != start and not spec.get("suspend"):
        words = "startTime cannot be removed for unsuspended job"
        errors.append(field.required(STATUS.child("startTime"), words))
    if MET in was - now:
        errors.append(_condition("cannot disable the SuccessCriteriaMet=True condition"))
    if "Complete" in was and MET in now - was:
        words = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        errors.append(_condition(words))
    return errors
