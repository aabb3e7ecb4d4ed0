"""The fields that an address resets, whatever a client sends: writing them there owns nothing.

Source: GetResetFields of the strategies in k8s.io/kubernetes/pkg/registry.
"""

from apiserver.managedfields.fieldset import EMPTY, FieldSet
from apiserver.schema.schema import Schema

SPEC = FieldSet.of([("f:spec",)])
METADATA = FieldSet.of([("f:metadata",)])
STATUS = FieldSet.of([("f:status",)])
AT_STATUS: dict[str, FieldSet] = {
    "Pod": SPEC | FieldSet.of([("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:ownerReferences")]),
    "CustomResourceDefinition": SPEC | METADATA,
    "Deployment": SPEC | FieldSet.of([("f:metadata", "f:labels")]),
}


def ignored_fields(schema: Schema, subresource: str) -> FieldSet:
    """Status at the object's own address; at `status` the spec, and for some kinds more."""
    if schema.custom:
        at_home = STATUS if schema.status_apart and not subresource else EMPTY
        return SPEC | METADATA if subresource == "status" else at_home
    if subresource == "status":
        return AT_STATUS.get(schema.name.rpartition(".")[2], SPEC)
    if "status" in schema.fields and subresource in ("", "finalize", "resize", "ephemeralcontainers"):
        return STATUS
    return EMPTY
