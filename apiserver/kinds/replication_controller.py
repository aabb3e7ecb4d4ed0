"""ReplicationController: what ReplicaSets replaced. Source: kubernetes/pkg/apis/core/validation."""

from collections.abc import Sequence

from apiserver.kinds import columns
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.pod.warnings import warn_template
from apiserver.kinds.scale import scale
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, STATUS, count, spec_of, status_of, validate_at_most, validate_counts
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList

TEMPLATE = SPEC.child("template")
COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")


def default(obj: Object) -> None:
    """The template's labels are the selector and the labels that nobody gave."""
    spec = obj.setdefault("spec", {})
    template = spec.get("template")
    if template is not None:
        pods.default_template(template)
        labels = (template.get("metadata") or {}).get("labels") or {}
        if labels and not spec.get("selector"):
            spec["selector"] = dict(labels)
        if labels and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)
    if spec.get("replicas") is None:
        spec["replicas"] = 1


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    template, selector = spec.get("template"), spec.get("selector") or {}
    errors = validate_counts(spec, ("minReadySeconds",), SPEC)
    if not selector:
        errors.append(field.required(SPEC.child("selector")))
    errors += validate_counts(spec, ("replicas",), SPEC)
    if template is None:
        return [*errors, field.required(TEMPLATE)]
    labels = (template.get("metadata") or {}).get("labels")
    if any((labels or {}).get(key) != value for key, value in selector.items()):
        path = TEMPLATE.child("metadata", "labels")
        errors.append(field.invalid(path, pods.sorted_map(labels), pods.NO_MATCH))
    errors += pods.validate_template(template, TEMPLATE)
    return errors + pods.validate_lasting(template, "ReplicationController", TEMPLATE)


def validate_status(new: Object, _old: Object) -> ErrorList:
    found = status_of(new)
    most = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    errors = validate_counts(found, COUNTS, STATUS)
    errors += validate_at_most(found, "replicas", most, "cannot be greater than status.replicas")
    return errors + validate_at_most(
        found, "readyReplicas", ("availableReplicas",), "cannot be greater than readyReplicas"
    )


def _warn(obj: Object) -> Sequence[str]:
    return warn_template(pods.template_of(obj), TEMPLATE)


def warn_update(new: Object, old: Object) -> Sequence[str]:
    """Kubernetes 1.36 looks at the template that was there (kubernetes#142443)."""
    return pods.warn_update(lambda _: _warn(old))(new, old)


def _selector(obj: Object) -> str:
    found = spec_of(obj).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(found.items()))


_STATUS = "core.v1.ReplicationControllerStatus"
_SPEC = "core.v1.ReplicationControllerSpec"
REPLICATION_CONTROLLER = Kind(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    short_names=("rc",),
    categories=("all",),
    schema=schema("core.v1.ReplicationController"),
    default=default,
    prepare_create=drop_status("core.v1.ReplicationController"),
    prepare_update=keep_status,
    validate=validate,
    validate_update=lambda new, _: validate(new),  # twice: as Kubernetes does
    warn=lambda obj: [*pods.warn_name(obj), *_warn(obj)],
    warn_update=warn_update,
    generation=("spec",),
    orphans=True,
    selectable=lambda obj: {"status.replicas": str(status_of(obj).get("replicas", 0))},
    subresources=(scale(_selector), status(validate_status)),
    columns=(
        columns.NAME,
        columns.shown("Desired", _SPEC, "spec.replicas", missing=0, kind="integer"),
        count("Current", _STATUS, "replicas"),
        count("Ready", _STATUS, "readyReplicas"),
        columns.AGE,
        *pods.COLUMNS,
        Column(
            "Selector",
            "string",
            columns.documented(_SPEC, "selector"),
            lambda obj: columns.labelled(spec_of(obj).get("selector")),
            priority=1,
        ),
    ),
)
