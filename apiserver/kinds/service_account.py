"""ServiceAccount. Source: kubernetes/pkg/registry/core/serviceaccount."""

from apiserver.kinds import columns
from apiserver.kinds.kind import Kind, Object, Subresource
from apiserver.schema.load import schema

MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"


def _prepare(new: Object, _: Object | None = None) -> None:
    """Of a secret its name is kept."""
    if new.get("secrets"):
        new["secrets"] = [{"name": each["name"]} if each.get("name") else {} for each in new["secrets"]]


def _warn(new: Object, old: Object | None = None) -> list[str]:
    annotations = [(each["metadata"].get("annotations") or {}) for each in (new, old or {"metadata": {}})]
    if MOUNTABLE not in annotations[0] or MOUNTABLE in annotations[1]:
        return []
    words = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
    return [f"metadata.annotations[{MOUNTABLE}]: {words}"]


SERVICE_ACCOUNT = Kind(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    short_names=("sa",),
    schema=schema("core.v1.ServiceAccount"),
    subresources=(
        Subresource(
            "token",
            ("create",),
            kind="TokenRequest",
            group="authentication.k8s.io",
            version="v1",
            schema=schema("authentication.v1.TokenRequest"),
        ),
    ),
    prepare_create=_prepare,
    prepare_update=_prepare,
    warn=_warn,
    warn_update=_warn,
    returns_deleted=True,
    columns=(columns.NAME, columns.AGE),
)
