"""Objects whose owners are gone, and owners that wait for theirs. Works on the metadata of every kind served.

    owner                                      its dependents
    gone (uid not found)                       deleted, when no other owner lives
    deleted with finalizer foregroundDeletion  deleted first; the finalizer goes when none blocks any more
    deleted with finalizer orphan              lose the reference; then the finalizer goes
Source: k8s.io/kubernetes/pkg/controller/garbagecollector.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from controllers.controller import Context
from podling.api.errors import ApiError, Conflict, NotFound
from podling.api.meta import split_key
from podling.client.informer import Informer
from podling.client.resource import Partial, Resource
from podling.loop import reconcile
from podling.loop.workqueue import WorkQueue

RETRY_SECONDS = 1.0
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class Item(NamedTuple):
    """One object: which informer knows it, and its key there."""

    of: Resource[Partial]
    key: str


class Graph:
    """Who owns whom, by uid; kept by the informers of every kind."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[Item, Any]] = {}  # uid to item and metadata
        self.dependents: dict[str, set[str]] = {}  # owner uid to dependents' uids

    def put(self, item: Item, old: Partial | None, new: Partial | None) -> list[str]:
        """The uids worth a look after a change."""
        look: list[str] = []
        if old is not None:
            uid = str(old.metadata.uid)
            for owner in _owners(old):
                self.dependents.get(owner, set()).discard(uid)
                look.append(owner)
            if new is None or new.metadata.uid != uid:
                self.items.pop(uid, None)
                look += self.dependents.get(uid, ())
        if new is not None:
            uid = str(new.metadata.uid)
            self.items[uid] = (item, new.metadata)
            for owner in _owners(new):
                self.dependents.setdefault(owner, set()).add(uid)
            look.append(uid)
        return look


def _owners(item: Partial) -> list[str]:
    return [str(owner.uid) for owner in item.metadata.ownerReferences or ()]


class Collector:
    def __init__(self, context: Context) -> None:
        self._client, self._informers = context.client, context.informers
        self._graph = Graph()
        self._queue: WorkQueue[str] = WorkQueue(context.clock)

    async def run(self, resources: Sequence[Resource[Partial]]) -> None:
        informers = [self._follow(of) for of in resources if of.plural != "events"]
        for informer in informers:  # nobody is an orphan before every kind is known
            await informer.synced()
        await reconcile.run("garbage", self._queue, self._look)

    def _follow(self, of: Resource[Partial]) -> Informer[Partial]:
        informer = self._informers.get(of)

        def changed(key: str, old: Partial | None, new: Partial | None) -> None:
            for uid in self._graph.put(Item(of, key), old, new):
                self._queue.add(uid)

        informer.on_change(changed)
        return informer

    async def _look(self, uid: str) -> None:
        found = self._graph.items.get(uid)
        if found is None:
            return
        item, metadata = found
        finalizers = metadata.finalizers or []
        if metadata.deletionTimestamp and ORPHAN in finalizers:
            await self._orphan(uid)
            await self._drop_finalizer(item, metadata, ORPHAN)
        elif metadata.deletionTimestamp and FOREGROUND in finalizers:
            if await self._delete_dependents(uid):
                return
            await self._drop_finalizer(item, metadata, FOREGROUND)
        elif metadata.ownerReferences and not metadata.deletionTimestamp and not self._owned(metadata):
            await self._delete(item, metadata, "Background")

    def _owned(self, metadata: Any) -> bool:
        """Some owner lives and is not waiting for this object to go."""
        for reference in metadata.ownerReferences:
            owner = self._graph.items.get(str(reference.uid))
            if owner is None:
                continue
            waiting = owner[1].deletionTimestamp and FOREGROUND in (owner[1].finalizers or ())
            if not waiting or len(metadata.ownerReferences) > 1:
                return True
        return False

    async def _delete_dependents(self, uid: str) -> bool:
        """True while a dependent that blocks its owner remains."""
        blocking = False
        for dependent in list(self._graph.dependents.get(uid, ())):
            item, metadata = self._graph.items[dependent]
            reference = next(r for r in metadata.ownerReferences if r.uid == uid)
            blocking = blocking or bool(reference.blockOwnerDeletion)
            if not metadata.deletionTimestamp and not self._owned(metadata):
                await self._delete(item, metadata, "Foreground" if self._graph.dependents.get(dependent) else "")
        return blocking

    async def _orphan(self, uid: str) -> None:
        for dependent in list(self._graph.dependents.get(uid, ())):
            item, metadata = self._graph.items[dependent]
            kept = [r.to_dict() for r in metadata.ownerReferences if r.uid != uid]
            await self._patch(item, metadata, {"ownerReferences": kept or None})

    async def _drop_finalizer(self, item: Item, metadata: Any, finalizer: str) -> None:
        kept = [found for found in metadata.finalizers if found != finalizer]
        await self._patch(item, metadata, {"finalizers": kept or None})

    async def _patch(self, item: Item, metadata: Any, change: dict[str, Any]) -> None:
        namespace, name = split_key(item.key)
        guard = {"uid": metadata.uid, "resourceVersion": metadata.resourceVersion}
        with suppress(NotFound):
            await self._client.patch(item.of, name, {"metadata": guard | change}, namespace)

    async def _delete(self, item: Item, metadata: Any, propagation: str) -> None:
        namespace, name = split_key(item.key)
        with suppress(NotFound, Conflict):
            await self._client.delete(item.of, name, namespace, uid=metadata.uid, propagation=propagation)


async def control(context: Context) -> None:
    while True:
        try:
            resources = await context.client.resources()
        except ApiError:
            await context.clock.sleep(RETRY_SECONDS)
        else:
            await Collector(context).run(resources)
