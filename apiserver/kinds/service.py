"""Service: none can be made yet, since no part of podling gives one an address. It is read all the same: `kubectl
cluster-info` and `kubectl get all` ask for the list."""

from apiserver.kinds.kind import Kind
from apiserver.schema.load import schema

SERVICE = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    short_names=("svc",),
    categories=("all",),
    schema=schema("core.v1.Service"),
    verbs=("get", "list", "watch"),
)
