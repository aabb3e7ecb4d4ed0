"""The fields that an address resets, whatever a client sends: writing them there owns nothing.

Source: GetResetFields of the strategies in k8s.io/kubernetes/pkg/registry.
"""

from apiserver.managedfields.fieldset import EMPTY, FieldSet
from apiserver.schema.schema import Schema

SPEC = FieldSet.of([("f:spec",)])
STATUS = FieldSet.of([("f:status",)])
METADATA = FieldSet.of([("f:metadata",)])
AT_OWN: dict[str, FieldSet] = {
    "CertificateSigningRequest": SPEC | STATUS,  # which only its subresources change
}
AT_STATUS: dict[str, FieldSet] = {
    "Pod": SPEC | FieldSet.of([("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:ownerReferences")]),
    "CustomResourceDefinition": SPEC | METADATA,
    "Deployment": SPEC | FieldSet.of([("f:metadata", "f:labels")]),
    "VolumeAttachment": SPEC | METADATA,
}


def ignored_fields(schema: Schema, subresource: str) -> FieldSet:
    """Status at the object's own address; at `status` the spec, and for some kinds more."""
    if schema.custom:
        at_home = STATUS if schema.status_apart and not subresource else EMPTY
        return SPEC | METADATA if subresource == "status" else at_home
    kind = schema.name.rpartition(".")[2]
    if subresource == "approval":
        return SPEC | FieldSet.of([("f:status", "f:certificate")])
    if subresource == "status":
        return AT_STATUS.get(kind, SPEC)
    if "status" in schema.fields and subresource in ("", "finalize", "resize", "ephemeralcontainers"):
        return AT_OWN.get(kind, STATUS)
    return EMPTY
