"""What a pod's other paths leave of the metadata as it was."""

from apiserver.kinds.kind import Object

_META = ("labels", "annotations", "finalizers", "ownerReferences")


def keep_metadata(new: Object, old: Object, parts: tuple[str, ...] = _META) -> None:
    for name in parts:
        new["metadata"].pop(name, None)
        if name in old["metadata"]:
            new["metadata"][name] = old["metadata"][name]
