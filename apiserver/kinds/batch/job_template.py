"""What may change of the template of a Job: where its pods run and what they ask for, while it is suspended.

Source: kubernetes/pkg/apis/batch/validation.validatePodTemplateUpdate (1.36, its gates
MutableSchedulingDirectivesForSuspendedJobs and MutablePodResourcesForSuspendedJobs at their defaults).
"""

from copy import deepcopy

from apiserver.kinds.go import internal_spec, internal_template
from apiserver.kinds.kind import Object
from apiserver.kinds.workload import IMMUTABLE
from podling.api import field
from podling.api.field import ErrorList, Path

DIRECTIVES = ("nodeSelector", "tolerations", "schedulingGates")


def validate_template_update(now: Object, was: Object, path: Path, *, suspended: bool) -> ErrorList:
    if not suspended:
        return [] if now == was else [field.invalid(path, internal_template(now), IMMUTABLE)]
    spec = now["spec"]
    if _moved(was["spec"], spec) == spec:
        return []
    return [field.invalid(path.child("spec"), internal_spec(spec), IMMUTABLE)]


def _moved(was: Object, now: Object) -> Object:
    """The former spec with everything of the new one that may change. Labels and annotations are not even looked at."""
    moved = deepcopy(was)
    for name in DIRECTIVES:
        _take(now, moved, name)
    _take_node_affinity(now, moved)
    for part in ("containers", "initContainers"):
        asked, had = now.get(part) or (), moved.get(part) or ()
        if len(asked) == len(had):
            for one, other in zip(asked, had, strict=True):
                if one.get("name") == other.get("name"):
                    _take(one, other, "resources")
    return moved


def _take(source: Object, into: Object, name: str) -> None:
    into.pop(name, None)
    if name in source:
        into[name] = source[name]


def _take_node_affinity(now: Object, moved: Object) -> None:
    """Affinity to nodes alone may come and go; beside the other sorts, what holds it stays as it was."""
    wanted, had = now.get("affinity"), dict(moved.get("affinity") or {})
    had.pop("nodeAffinity", None)
    if wanted is not None:
        moved["affinity"] = had
        _take(wanted, moved["affinity"], "nodeAffinity")
    elif had:
        moved["affinity"] = had
    else:
        moved.pop("affinity", None)
