"""Reading current objects from inside the API server: what authorization and admission look things up in."""

from collections.abc import Iterable
from typing import Any, Protocol

from podling.api.errors import GroupResource


class Lister(Protocol):
    """Backed by the watch cache. Objects are shared: never change them."""

    def get(self, resource: GroupResource, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, None where there is none; `namespace` is "" for cluster-scoped kinds."""

    def list(self, resource: GroupResource, namespace: str | None = None) -> Iterable[dict[str, Any]]:
        """All objects of a kind, or of one namespace."""

    def version(self, resource: GroupResource) -> int:
        """A number that grows with every change of the kind: what was derived from its objects is then out of date."""
