"""ResourceClaimTemplate: claims made for pods."""

from apiserver.kinds import columns, names
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Kind, Object
from apiserver.kinds.resource.claim_spec import default_claim, validate_claim_spec
from apiserver.kinds.workload import IMMUTABLE, SPEC, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList

_SPEC = "resource.v1.ResourceClaimSpec"


def default(obj: Object) -> None:
    default_claim(spec_of(obj).get("spec") or {})


def validate(obj: Object) -> ErrorList:
    spec, path = spec_of(obj), SPEC.child("metadata")
    meta = spec.get("metadata") or {}
    errors = names.annotations(meta.get("annotations"), path.child("annotations"))
    errors += names.labels(meta.get("labels"), path.child("labels"))
    return errors + validate_claim_spec(spec.get("spec") or {}, SPEC.child("spec"))


def validate_update(new: Object, old: Object) -> ErrorList:
    if spec_of(new) == spec_of(old):
        return []
    spec = spec_of(new)
    meta = {name: value for name, value in (spec.get("metadata") or {}).items() if value}  # embedded, in Go
    return [field.invalid(SPEC, {**meta, "Spec": internal(spec.get("spec") or {}, _SPEC)}, IMMUTABLE)]


RESOURCE_CLAIM_TEMPLATE = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    schema=schema("resource.v1.ResourceClaimTemplate"),
    default=default,
    validate_create=validate,  # the spec never changes
    validate_update=validate_update,
    returns_deleted=True,
    columns=(columns.NAME, columns.AGE),
)
