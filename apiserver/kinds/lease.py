"""Lease of coordination.k8s.io. Source: kubernetes/pkg/apis/coordination/validation."""

from apiserver.kinds import columns
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Kind, Object
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

STRATEGIES = ("OldestEmulationVersion",)


def validate(obj: Object) -> ErrorList:
    spec, path = obj.get("spec") or {}, Path("spec")
    errors: ErrorList = []
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        errors.append(field.invalid(path.child("leaseDurationSeconds"), duration, "must be greater than 0"))
    errors += validate_not_negative(spec.get("leaseTransitions"), path.child("leaseTransitions"))
    if spec.get("preferredHolder") and not spec.get("strategy"):
        words = "may only be specified if `strategy` is defined"
        errors.append(field.forbidden(path.child("preferredHolder"), words))
    return errors


LEASE = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    schema=schema("coordination.v1.Lease"),
    validate=validate,
    create_on_update=True,
    unconditional_update=False,
    columns=(
        columns.NAME,
        columns.shown("Holder", "coordination.v1.LeaseSpec", "spec.holderIdentity"),
        columns.AGE,
    ),
)
