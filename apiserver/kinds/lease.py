"""Lease of coordination.k8s.io. Source: kubernetes/pkg/apis/coordination/validation."""

from apiserver.kinds import columns
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Kind, Object
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path


def validate(obj: Object) -> ErrorList:
    spec, path = obj.get("spec") or {}, Path("spec")
    errors: ErrorList = []
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        errors.append(field.invalid(path.child("leaseDurationSeconds"), duration, "must be greater than 0"))
    return errors + validate_not_negative(spec.get("leaseTransitions"), path.child("leaseTransitions"))


def _drop(obj: Object, _: Object | None = None) -> None:
    """Fields of the feature CoordinatedLeaderElection, which is off unless asked for."""
    for name in ("strategy", "preferredHolder"):
        (obj.get("spec") or {}).pop(name, None)


LEASE = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    schema=schema("coordination.v1.Lease"),
    prepare_create=_drop,
    prepare_update=_drop,
    validate=validate,
    create_on_update=True,
    unconditional_update=False,
    columns=(
        columns.NAME,
        columns.shown("Holder", "coordination.v1.LeaseSpec", "spec.holderIdentity"),
        columns.AGE,
    ),
)
