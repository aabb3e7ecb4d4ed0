"""Service: a name and an address for pods. Source: kubernetes/pkg/apis/core and pkg/registry/core/service."""

from apiserver.kinds.service.kind import SERVICE

__all__ = ["SERVICE"]
