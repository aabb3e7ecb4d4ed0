"""The fields that an address resets, whatever a client sends: writing them there owns nothing.

Source: GetResetFields of the strategies in k8s.io/kubernetes/pkg/registry.
"""

from apiserver.schema.schema import Schema

Paths = tuple[tuple[str, ...], ...]

STATUS: dict[tuple[str, str], Paths] = {
    ("", "pods"): (("spec",), ("metadata", "deletionTimestamp"), ("metadata", "ownerReferences")),
    ("apps", "deployments"): (("spec",), ("metadata", "labels")),
}


def ignored_paths(group: str, resource: str, subresource: str, schema: Schema) -> Paths:
    """Status at the object's own address, everything but status at `status`; other subresources reset nothing here."""
    if subresource == "status":
        return STATUS.get((group, resource), (("spec",),))
    if "status" in schema.fields and subresource in ("", "finalize", "resize", "ephemeralcontainers"):
        return (("status",),)
    return ()
