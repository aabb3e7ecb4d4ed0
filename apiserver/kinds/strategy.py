"""What a write at each of an object's addresses may change, as most kinds have it.

At its own address a client writes everything but status, at `status` nothing else.
Source: PrepareForCreate and PrepareForUpdate of the strategies in kubernetes/pkg/registry.
"""

from collections.abc import Callable, Sequence

from apiserver.kinds.kind import Object, Subresource
from apiserver.schema.load import schema
from apiserver.schema.shape import zero
from podling.api.field import ErrorList

READ_WRITE = ("get", "patch", "update")


def drop_status(type_: str) -> Callable[[Object], None]:
    """A new object has an empty status, whatever was sent; `type_`: "apps.v1.Deployment"."""
    empty = schema(type_).fields["status"].schema

    def drop(obj: Object) -> None:
        obj["status"] = zero(empty)

    return drop


def keep_status(new: Object, old: Object) -> None:
    new.pop("status", None)
    if "status" in old:
        new["status"] = old["status"]


def keep_spec(new: Object, old: Object) -> None:
    new.pop("spec", None)
    if "spec" in old:
        new["spec"] = old["spec"]


def keep_spec_and_labels(new: Object, old: Object) -> None:
    keep_spec(new, old)
    new["metadata"].pop("labels", None)
    if "labels" in old["metadata"]:
        new["metadata"]["labels"] = old["metadata"]["labels"]


def _anything(_new: Object, _old: Object) -> ErrorList:
    return []


def keep_spec_and_metadata(new: Object, old: Object) -> None:
    """Source: metav1.ResetObjectMetaForStatus."""
    keep_spec(new, old)
    for name in (
        "deletionTimestamp",
        "generation",
        "selfLink",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    ):
        new["metadata"].pop(name, None)
        if name in old["metadata"]:
            new["metadata"][name] = old["metadata"][name]


def status(
    validate: Callable[[Object, Object], ErrorList] = _anything,
    prepare: Callable[[Object, Object], None] = keep_spec,
    warn: Callable[[Object], Sequence[str]] = lambda _: (),
) -> Subresource:
    """The `status` subresource; `validate` and `prepare` get (new, old)."""
    return Subresource("status", READ_WRITE, prepare_update=prepare, validate_update=validate, warn=warn)
