"""What of a pod may change, and through which path. Source: kubernetes/pkg/apis/core/validation.ValidatePodUpdate."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from apiserver.kinds.go import internal, spec_difference
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.annotations import validate_annotations_update
from apiserver.kinds.pod.containers import validate_images
from apiserver.kinds.pod.scheduling import validate_tolerations
from podling.api import field
from podling.api.field import ErrorList, Path

SPEC = Path("spec")
UPDATABLE = ",".join(
    (
        "`spec.containers[*].image`",
        "`spec.initContainers[*].image`",
        "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    )
)
MOST_DEADLINE = 2**31 - 1


def validate_update(new: Object, old: Object) -> ErrorList:
    after, before = new["spec"], old["spec"]
    errors = validate_annotations_update(new, old)
    for part in ("containers", "initContainers"):
        if len(after.get(part) or ()) != len(before.get(part) or ()):
            words = "pod updates may not add or remove containers"
            return [*errors, field.forbidden(SPEC.child(part), words)]
        errors += _images(after.get(part) or (), SPEC.child(part))
    deadline, stop = _deadline(after, before)
    errors += deadline
    if stop:
        return errors
    errors += _tolerations(after, before)
    errors += _gates(after, before)
    if after == before:
        return errors
    munged = _munged(after, before)
    if before.get("schedulingGates"):
        errors += _while_gated(munged, before)
    if munged == before:
        return errors
    words = f"pod updates may not change fields other than {UPDATABLE}\n{spec_difference(before, munged)}"
    return [*errors, field.forbidden(SPEC, words)]


def _images(containers: Sequence[Object], path: Path) -> ErrorList:
    """Looked at with the rest of the spec, and once more for the change: Kubernetes names these errors twice."""
    missing = [position for position, container in enumerate(containers) if not container.get("image")]
    errors = [field.required(path.index(position).child("image")) for position in missing]
    return errors + validate_images(containers, path)


def _munged(after: Object, before: Object) -> Object:
    """The new spec with everything that may change put back: what still differs may not."""
    munged = deepcopy(after)
    for part in ("containers", "initContainers"):
        for container, was in zip(munged.get(part) or (), before.get(part) or (), strict=True):
            _put_back(container, was, "image")
    for name in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _put_back(munged, before, name)
    if before.get("terminationGracePeriodSeconds", 0) < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        _put_back(munged, before, "terminationGracePeriodSeconds")
    return munged


def _put_back(new: Object, old: Object, name: str) -> None:
    new.pop(name, None)
    if name in old:
        new[name] = old[name]


def _deadline(after: Object, before: Object) -> tuple[ErrorList, bool]:
    """It may appear and shrink. The flag: nothing more is looked at."""
    now, was, path = after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"), "activeDeadlineSeconds"
    if now is None:
        words = "must not update from a positive integer to nil value"
        return ([] if was is None else [field.invalid(SPEC.child(path), None, words)]), False
    if not 0 <= now <= MOST_DEADLINE:
        words = f"must be between 0 and {MOST_DEADLINE}, inclusive"
        return [field.invalid(SPEC.child(path), now, words)], True
    if was is not None and was < now:
        return [field.invalid(SPEC.child(path), now, "must be less than or equal to previous value")], True
    return [], False


def _tolerations(after: Object, before: Object) -> ErrorList:
    """Each one that was there is still there, but for its seconds."""
    now = [_untimed(each) for each in after.get("tolerations") or ()]
    for each in before.get("tolerations") or ():
        if _untimed(each) not in now:
            words = "existing toleration can not be modified except its tolerationSeconds"
            return [field.forbidden(SPEC.child("tolerations"), words)]
    return validate_tolerations(after.get("tolerations") or (), SPEC.child("tolerations"))


def _untimed(toleration: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in toleration.items() if name != "tolerationSeconds" and value}


def _gates(after: Object, before: Object) -> ErrorList:
    known = {gate.get("name") for gate in before.get("schedulingGates") or ()}
    errors: ErrorList = []
    for position, gate in enumerate(after.get("schedulingGates") or ()):
        if gate.get("name") not in known:
            words = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            errors.append(field.forbidden(SPEC.child("schedulingGates").index(position).child("name"), words))
    return errors


def _while_gated(munged: Object, before: Object) -> ErrorList:
    """Nobody has looked for a node yet: where the pod may go can still be narrowed. Puts back what it has looked at."""
    errors: ErrorList = []
    now, was = munged.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    for key, value in sorted(was.items()):
        if now.get(key) != value:
            words = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            errors.append(field.invalid(SPEC.child("nodeSelector"), now, words))
            break
    _put_back(munged, before, "nodeSelector")
    wanted = (munged.get("affinity") or {}).get("nodeAffinity")
    had = (before.get("affinity") or {}).get("nodeAffinity")
    if wanted != had:
        errors += _node_affinity(wanted or {}, had or {})
        _put_back_affinity(munged, before)
    return errors


def _put_back_affinity(munged: Object, before: Object) -> None:
    had = (before.get("affinity") or {}).get("nodeAffinity")
    affinity = {name: each for name, each in (munged.get("affinity") or {}).items() if name != "nodeAffinity"}
    if had is not None:
        affinity["nodeAffinity"] = had
    munged.pop("affinity", None)
    if affinity or "affinity" in before:
        munged["affinity"] = affinity


def _node_affinity(wanted: Object, had: Object) -> ErrorList:
    """Terms that were there may only get more requirements. Source: validateNodeAffinityMutation."""
    name = "requiredDuringSchedulingIgnoredDuringExecution"
    path = SPEC.child("affinity", "nodeAffinity", name, "nodeSelectorTerms")
    before = (had.get(name) or {}).get("nodeSelectorTerms")
    after = (wanted.get(name) or {}).get("nodeSelectorTerms") or []
    if before is None:
        return []
    shown = [internal(term, "core.v1.NodeSelectorTerm") for term in after]
    if len(before) != len(after):
        words = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [field.invalid(path, shown or None, words)]
    errors: ErrorList = []
    for position, (was, now) in enumerate(zip(before, after, strict=True)):
        if not _narrows(was, now):
            words = "only additions are allowed (no mutations or deletions)"
            errors.append(field.invalid(path.index(position), shown[position], words))
    return errors


def _narrows(was: Object, now: Object) -> bool:
    if not was.get("matchExpressions") and not was.get("matchFields"):
        return was == now
    return all(_starts_with(now.get(name) or (), was.get(name) or ()) for name in ("matchExpressions", "matchFields"))


def _starts_with(longer: Sequence[Object], shorter: Sequence[Object]) -> bool:
    return list(longer[: len(shorter)]) == list(shorter)
