"""What claims and volumes get when they are made: the default class, and a finalizer that holds them while in use.

Source: kubernetes/plugin/pkg/admission/storage/{storageclass/setdefault,storageobjectinuseprotection}.
"""

from apiserver.admission.defaultclass import default_class
from apiserver.admission.plugin import Admission, Mutating
from apiserver.kinds.persistent_volume_claim import BETA_CLASS
from apiserver.kinds.storage.storage_class import is_default
from apiserver.lister import Lister
from podling.api.errors import GroupResource

CLAIMS, VOLUMES = GroupResource("", "persistentvolumeclaims"), GroupResource("", "persistentvolumes")
CLASSES = GroupResource("storage.k8s.io", "storageclasses")
PROTECTION = {CLAIMS: "kubernetes.io/pvc-protection", VOLUMES: "kubernetes.io/pv-protection"}


class DefaultStorageClass(Mutating):
    name = "DefaultStorageClass"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def admit(self, write: Admission) -> None:
        claim = write.creates(*CLAIMS)
        if claim is None:
            return
        spec = claim.setdefault("spec", {})
        if spec.get("storageClassName") is not None or BETA_CLASS in (claim["metadata"].get("annotations") or {}):
            return
        if name := default_class(self._lister, CLASSES, is_default):
            spec["storageClassName"] = name


class StorageObjectInUseProtection(Mutating):
    name = "StorageObjectInUseProtection"

    async def admit(self, write: Admission) -> None:
        finalizer = PROTECTION.get(write.kind.resource)
        if finalizer is None or write.operation != "CREATE" or write.subresource or write.object is None:
            return
        held = write.object["metadata"].get("finalizers") or []
        if finalizer not in held:
            write.object["metadata"]["finalizers"] = [*held, finalizer]
