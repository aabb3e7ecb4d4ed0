"""Reading and writing the cluster's objects, as podling's own services do it.

`Client` is the seam: `podling.client.grpc.GrpcClient` dials the API server, `podling.client.fake.FakeClient` is a
cluster in memory for unit tests. Objects come back typed (lightkube's dataclasses; timestamps are aware datetimes);
what is written is plain JSON data, so that a writer never drops a field it does not know.

Errors are the tree of `podling.api.errors`: `NotFound`, `AlreadyExists`, `Conflict` (somebody wrote in between: read
again), `Expired` (the watch's version is gone: list again), `Invalid`, `Forbidden`; `ServiceUnavailable` when the API
server is away. Nothing here retries.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from podling.client.resource import Partial, Resource

T = TypeVar("T")
Data = Mapping[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"


class Listed(NamedTuple, Generic[T]):
    items: Sequence[T]
    resource_version: str


class Changed(NamedTuple, Generic[T]):
    """One event of a watch: ADDED, MODIFIED, DELETED, or BOOKMARK (only the object's resourceVersion counts)."""

    type: str
    object: T


class Served(NamedTuple):
    """A resource, and what can be asked of it."""

    of: Resource[Partial]
    verbs: frozenset[str]
    subresources: frozenset[str] = frozenset()


class Discovered(NamedTuple):
    """`stale`: the group versions (`example.com/v1`) whose server cannot be asked now; what they have is not known."""

    served: Sequence[Served]
    stale: Sequence[str] = ()

    def that_take(self, *verbs: str) -> list[Resource[Partial]]:
        return [each.of for each in self.served if each.verbs.issuperset(verbs)]


class Client(Protocol):
    async def get(self, of: Resource[T], name: str, namespace: str = "", *, subresource: str = "") -> T: ...

    async def list(self, of: Resource[T], namespace: str = "", *, labels: str = "", fields: str = "") -> Listed[T]:
        """All of them, read in pages; `labels` and `fields` are selectors as kubectl writes them."""

    def watch(
        self, of: Resource[T], resource_version: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> AsyncIterator[Changed[T]]:
        """Changes after `resource_version`, bookmarks included; ends or raises when the server does."""

    async def create(
        self, of: Resource[T], data: Data, namespace: str = "", *, name: str = "", subresource: str = ""
    ) -> T:
        """Create an object; or, with `name` and `subresource`, post to `pods/x/binding`, `serviceaccounts/x/token`."""

    async def update(self, of: Resource[T], data: Data, *, subresource: str = "") -> T:
        """Replace; `data` carries metadata.name, .namespace and, to be safe against others, .resourceVersion."""

    async def patch(
        self, of: Resource[T], name: str, patch: Any, namespace: str = "", *, type: str = MERGE, subresource: str = ""
    ) -> T: ...

    async def delete(
        self,
        of: Resource[T],
        name: str,
        namespace: str = "",
        *,
        grace_seconds: int | None = None,
        uid: str = "",
        propagation: str = "",
    ) -> None:
        """`uid` makes it conditional: `Conflict` when the object of that name is another one by now."""

    async def delete_collection(self, of: Resource[T], namespace: str) -> None:
        """All of one kind in one namespace, each with its own grace."""

    async def discover(self) -> Discovered:
        """Every resource that is served, one version each."""

    async def close(self) -> None: ...
