"""Templates of pods, which the workload kinds hold: a pod's spec, without what is only right for a pod that exists.

Source: kubernetes/pkg/apis/core/validation.ValidatePodTemplateSpec.
"""

from collections.abc import Callable, Mapping, Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Object
from apiserver.kinds.pod.annotations import validate_annotations
from apiserver.kinds.pod.validate import validate_spec
from podling.api import field, selectors
from podling.api.field import ErrorList, Path
from podling.api.pod_defaults import default_pod_spec
from podling.api.selectors import Selector

NO_MATCH = "`selector` does not match template `labels`"


def default_template(template: Object) -> None:
    default_pod_spec(template.setdefault("spec", {}))


def validate_template(template: Object, path: Path) -> ErrorList:
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    errors = names.labels(meta.get("labels"), path.child("labels"))
    errors += names.annotations(meta.get("annotations"), path.child("annotations"))
    errors += validate_annotations({"metadata": meta, "spec": spec}, path.child("annotations"))
    errors += validate_spec(spec, path.child("spec"))
    if spec.get("ephemeralContainers"):
        where = path.child("spec", "ephemeralContainers")
        errors.append(field.forbidden(where, "ephemeral containers not allowed in pod template"))
    return errors


def validate_matching(template: Object, selector: Selector | None, path: Path) -> ErrorList:
    """`selector` None selects nothing; an empty one selects everything."""
    labels: Mapping[str, str] | None = (template.get("metadata") or {}).get("labels")
    if selector is not None and selectors.matches(selector, labels):
        return []
    return [field.invalid(path.child("metadata", "labels"), sorted_map(labels), NO_MATCH)]


def validate_lasting(template: Object, kind: str, path: Path) -> ErrorList:
    """Pods that a controller keeps running are restarted, and have no deadline."""
    spec, path = template.get("spec") or {}, path.child("spec")
    errors: ErrorList = []
    if spec.get("restartPolicy") != "Always":
        errors.append(field.not_supported(path.child("restartPolicy"), spec.get("restartPolicy"), ["Always"]))
    if spec.get("activeDeadlineSeconds") is not None:
        words = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.append(field.forbidden(path.child("activeDeadlineSeconds"), words))
    return errors


def sorted_map(found: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """As Go writes a map."""
    return None if found is None else dict(sorted(found.items()))


def warn_name(obj: Object) -> list[str]:
    """Names of workloads become names of pods."""
    messages = names.label(obj["metadata"].get("name", ""))
    words = (
        "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
    )
    return [f"metadata.name: {words}: [{' '.join(messages)}]"] if messages else []


def warn_update(warn: Callable[[Object], Sequence[str]]) -> Callable[[Object, Object], Sequence[str]]:
    """Of (new, old): a template is looked at again only where a change counted. Its name cannot change."""
    return lambda new, old: () if _generation(new) == _generation(old) else warn(new)


def _generation(obj: Object) -> int:
    return int(obj["metadata"].get("generation", 0))


def template_of(obj: Object) -> Object:
    found: Object = (obj.get("spec") or {}).get("template") or {}
    return found


def _containers(obj: Object) -> Sequence[Object]:
    found: Sequence[Object] = (template_of(obj).get("spec") or {}).get("containers") or ()
    return found


CONTAINERS = Column(
    "Containers",
    "string",
    "Names of each container in the template.",
    lambda obj: columns.joined([each.get("name", "") for each in _containers(obj)]),
    priority=1,
)
IMAGES = Column(
    "Images",
    "string",
    "Images referenced by each container in the template.",
    lambda obj: columns.joined([each.get("image", "") for each in _containers(obj)]),
    priority=1,
)
COLUMNS = (CONTAINERS, IMAGES)
