"""Objects whose owners are gone, and owners that wait for theirs. Works on the metadata of every kind served.

    owner                                      its dependents
    gone (uid not found)                       deleted, when no other owner lives
    deleted with finalizer foregroundDeletion  deleted first; the finalizer goes when none blocks any more
    deleted with finalizer orphan              lose the reference; then the finalizer goes
Source: k8s.io/kubernetes/pkg/controller/garbagecollector.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from controllers.controller import Context
from controllers.owners import Graph, Item
from podling.api.errors import ApiError, Conflict, NotFound
from podling.api.meta import split_key
from podling.client.informer import Informer
from podling.client.resource import CUSTOM_RESOURCE_DEFINITIONS, Partial, Resource
from podling.loop import reconcile
from podling.loop.workqueue import WorkQueue

RETRY_SECONDS = 1.0
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class Collector:
    def __init__(self, context: Context) -> None:
        self._client, self._informers = context.client, context.informers
        self._graph = Graph()
        self._queue: WorkQueue[str] = WorkQueue(context.clock)
        self._followed: set[Resource[Partial]] = set()

    async def run(self) -> None:
        await reconcile.run("garbage", self._queue, self._look)

    def follow(self, resources: Sequence[Resource[Partial]]) -> list[Informer[Partial]]:
        """Every kind that is served now, and no other; the informers of those that are new."""
        wanted = {of for of in resources if of.plural != "events"}
        for of in self._followed - wanted:
            self._informers.forget(of)
            for uid in self._graph.forget(of):
                self._queue.add(uid)
        new, self._followed = wanted - self._followed, wanted
        return [self._follow(of) for of in resources if of in new]

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
        elif metadata.ownerReferences and not metadata.deletionTimestamp and not await self._is_owned(item, metadata):
            await self._delete(item, metadata, "Background")

    async def _is_owned(self, item: Item, metadata: Any) -> bool:
        """Whether some owner lives. Owners that no informer has told of are asked for: each kind has a watch of its
        own, and one may be behind another."""
        if self._owned(metadata):
            return True
        namespace, _ = split_key(item.key)
        for reference in metadata.ownerReferences:
            if str(reference.uid) in self._graph.items:
                continue
            group = reference.apiVersion.rpartition("/")[0]
            of = next((of for of in self._followed if (of.group, of.kind) == (group, reference.kind)), None)
            if of is None or (of.namespaced and not namespace):
                return True  # nobody can say: a kind that is not served, or not where this object could see it
            with suppress(NotFound):
                found = await self._client.get(of, reference.name, namespace if of.namespaced else "")
                if found.metadata.uid == reference.uid:
                    return True
        return False

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
    collector = Collector(context)
    kinds = asyncio.Event()
    kinds.set()
    context.informers.get(CUSTOM_RESOURCE_DEFINITIONS).on_change(lambda *_: kinds.set())

    async def follow_kinds() -> list[Informer[Partial]]:
        while True:
            await kinds.wait()
            kinds.clear()
            try:
                return collector.follow(await context.client.resources())
            except ApiError:
                kinds.set()
                await context.clock.sleep(RETRY_SECONDS)

    for informer in await follow_kinds():  # an owner waits for dependents of every kind: all must be known
        await informer.synced()
    async with asyncio.TaskGroup() as group:
        group.create_task(collector.run())
        while True:
            await follow_kinds()
