"""ReplicaSet."""

from collections.abc import Sequence

from apiserver.kinds import columns
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.pod.warnings import warn_template
from apiserver.kinds.scale import scale
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import (
    SPEC,
    STATUS,
    chosen,
    count,
    selector_column,
    selector_text,
    spec_of,
    status_of,
    validate_at_most,
    validate_counts,
    validate_selector_update,
)
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList

TEMPLATE = SPEC.child("template")
COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas")


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pods.default_template(spec.setdefault("template", {}))
    if spec.get("replicas") is None:
        spec["replicas"] = 1


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors = validate_counts(spec, ("replicas", "minReadySeconds"), SPEC)
    found = chosen(spec, "deployment")  # Kubernetes says deployment here
    errors += found.errors
    if found.unreadable:
        return [*errors, field.invalid(SPEC.child("selector"), spec["selector"], "invalid label selector")]
    template = spec.get("template") or {}
    errors += pods.validate_matching(template, found.selector, TEMPLATE)
    errors += pods.validate_template(template, TEMPLATE)
    return errors + pods.validate_lasting(template, "ReplicaSet", TEMPLATE)


def validate_status(new: Object, old: Object) -> ErrorList:
    found = status_of(new)
    errors = validate_counts(found, (*COUNTS, "observedGeneration"), STATUS)
    most = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    errors += validate_at_most(found, "replicas", most, "cannot be greater than status.replicas")
    return errors + validate_at_most(
        found, "readyReplicas", ("availableReplicas",), "cannot be greater than readyReplicas"
    )


def validate_update(new: Object, old: Object) -> ErrorList:
    """Kubernetes looks at the spec twice here."""
    return validate(new) + validate_selector_update(new, old)


def _warn(obj: Object) -> Sequence[str]:
    return warn_template(pods.template_of(obj), TEMPLATE)


_STATUS = "apps.v1.ReplicaSetStatus"
REPLICA_SET = Kind(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    short_names=("rs",),
    categories=("all",),
    schema=schema("apps.v1.ReplicaSet"),
    default=default,
    prepare_create=drop_status("apps.v1.ReplicaSet"),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    warn=lambda obj: [*pods.warn_name(obj), *_warn(obj)],
    warn_update=pods.warn_update(_warn),
    generation=("spec",),
    subresources=(
        scale(lambda obj: selector_text(spec_of(obj).get("selector"))),
        status(validate_status),
    ),
    columns=(
        columns.NAME,
        columns.shown("Desired", "apps.v1.ReplicaSetSpec", "spec.replicas", missing=0, kind="integer"),
        count("Current", _STATUS, "replicas"),
        count("Ready", _STATUS, "readyReplicas"),
        columns.AGE,
        *pods.COLUMNS,
        selector_column("apps.v1.ReplicaSetSpec"),
    ),
)
