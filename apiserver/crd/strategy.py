"""What a write of a custom object may change, and what is right about it.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/{strategy,status_strategy,validator}.go.
"""

from apiserver.crd import scale
from apiserver.kinds.kind import Object, Subresource
from apiserver.kinds.strategy import READ_WRITE, keep_status
from apiserver.structural.structural import Structural
from podling.api.field import ErrorList


class Strategy:
    """Of one version's objects."""

    def __init__(self, structural: Structural, subresources: Object) -> None:
        self.structural = structural
        self.has_status = subresources.get("status") is not None
        self.scale: Object | None = subresources.get("scale")

    def subresources(self) -> list[Subresource]:
        found = []
        if self.has_status:
            found.append(
                Subresource(
                    "status", READ_WRITE, prepare_update=keep_all_but_status, validate_update=self.validate_status
                )
            )
        if self.scale is not None:
            found.append(scale.subresource(self.scale, self.prepare_update, self.validate_update))
        return found

    def prepare_create(self, obj: Object) -> None:
        obj["metadata"]["generation"] = 1
        if self.has_status:
            obj.pop("status", None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """The generation counts every change but those of metadata."""
        if self.has_status:
            keep_status(new, old)
        if {**new, "metadata": None} != {**old, "metadata": None}:
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def validate_create(self, obj: Object) -> ErrorList:
        return self.structural.validate(obj, between=self._scaled(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return self.structural.validate(new, old, between=self._scaled(new))

    def validate_status(self, new: Object, old: Object) -> ErrorList:
        return self.structural.validate_status(new, old, between=self._scaled(new, spec=False))

    def warn(self, obj: Object) -> list[str]:
        return _finalizers(obj, {"metadata": {}})

    def warn_update(self, new: Object, old: Object) -> list[str]:
        return [*self.structural.spared(new, old), *_finalizers(new, old)]

    def _scaled(self, obj: Object, *, spec: bool = True) -> ErrorList:
        return scale.validate(obj, self.scale, spec=spec) if self.scale is not None else []


def keep_all_but_status(new: Object, old: Object) -> None:
    """In place, and so is its metadata: only who owns what is the new one's."""
    meta, status, there = new["metadata"], new.get("status"), "status" in new
    owned = meta.get("managedFields")
    meta.clear()
    meta.update({name: value for name, value in old["metadata"].items() if name != "managedFields"})
    if owned is not None:
        meta["managedFields"] = owned
    kept = {name: value for name, value in old.items() if name not in ("metadata", "status")}
    new.clear()
    new.update(kept, metadata=meta)
    if there:
        new["status"] = status


def _finalizers(new: Object, old: Object) -> list[str]:
    before = old["metadata"].get("finalizers") or ()
    words = "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers"
    added = sorted(set(new["metadata"].get("finalizers") or ()) - set(before))
    return [
        f'metadata.finalizers: "{name}": {words}'
        for name in added
        if "/" not in name and name not in ("orphan", "foregroundDeletion", "kubernetes")
    ]
