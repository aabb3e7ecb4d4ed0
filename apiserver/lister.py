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


class MemoryLister:
    """The same over objects in a dictionary: what unit tests look things up in."""

    def __init__(self, objects: Iterable[tuple[GroupResource, dict[str, Any]]] = ()) -> None:
        self._objects: dict[GroupResource, dict[tuple[str, str], dict[str, Any]]] = {}
        self._changes = 0
        for resource, body in objects:
            self.put(resource, body)

    def put(self, resource: GroupResource, body: dict[str, Any]) -> None:
        metadata = body["metadata"]
        self._objects.setdefault(resource, {})[metadata.get("namespace", ""), metadata["name"]] = body
        self._changes += 1

    def remove(self, resource: GroupResource, namespace: str, name: str) -> None:
        del self._objects[resource][namespace, name]
        self._changes += 1

    def get(self, resource: GroupResource, namespace: str, name: str) -> dict[str, Any] | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def list(self, resource: GroupResource, namespace: str | None = None) -> Iterable[dict[str, Any]]:
        found = sorted(self._objects.get(resource, {}).items())
        return [body for (where, _), body in found if namespace is None or where == namespace]

    def version(self, resource: GroupResource) -> int:
        return self._changes
