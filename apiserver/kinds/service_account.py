"""ServiceAccount. Source: kubernetes/pkg/registry/core/serviceaccount."""

from apiserver.kinds import columns
from apiserver.kinds.kind import Kind, Subresource
from apiserver.schema.load import schema

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
    returns_deleted=True,
    columns=(columns.NAME, columns.AGE),
)
