"""The schemas of all kinds as OpenAPI documents: what `kubectl explain` and clients' validation read."""

from apiserver.openapi.pages import v2, v3

__all__ = ["v2", "v3"]
