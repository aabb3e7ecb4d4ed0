"""Volumes that are claims of the pod's own: a template of a PersistentVolumeClaim in the pod.

Source: kubernetes/pkg/apis/core/validation.validateEphemeralVolumeSource.
"""

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.persistent_volume_claim import validate_claim_spec
from podling.api import field
from podling.api.field import ErrorList, Path

# Of the claim's metadata; in the order and spelling in which Kubernetes names them.
NOT_IN_TEMPLATES = {
    "name": "name",
    "generateName": "generateName",
    "namespace": "namespace",
    "uid": "uID",
    "resourceVersion": "resourceVersion",
    "generation": "generation",
    "creationTimestamp": "creationTimestamp",
    "deletionTimestamp": "deletionTimestamp",
    "deletionGracePeriodSeconds": "deletionGracePeriodSeconds",
    "ownerReferences": "ownerReferences",
    "finalizers": "finalizers",
    "managedFields": "managedFields",
}


def claim_name(pod: str, volume: str) -> str:
    return f"{pod}-{volume}"


def validate_ephemeral(source: Object, path: Path) -> ErrorList:
    template, path = source.get("volumeClaimTemplate"), path.child("volumeClaimTemplate")
    if template is None:
        return [field.required(path)]
    meta, here = template.get("metadata") or {}, path.child("metadata")
    errors = names.annotations(meta.get("annotations"), here.child("annotations"))
    errors += names.labels(meta.get("labels"), here.child("labels"))
    wrong = [spelled for name, spelled in NOT_IN_TEMPLATES.items() if meta.get(name)]
    errors += [field.forbidden(here.child(spelled), "cannot be set") for spelled in wrong]
    return errors + validate_claim_spec(template.get("spec") or {}, path.child("spec"))


def validate_claim_name(pod: str, volume: str, path: Path) -> ErrorList:
    """The claim's name is made of both."""
    made = claim_name(pod, volume)
    if not pod or not volume:
        return []
    words = names.subdomain(made)
    return [field.invalid(path.child("name"), volume, f"PVC name {field.show(made)}: {each}") for each in words]
