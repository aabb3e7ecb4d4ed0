"""Objects whose owners are gone, and owners that wait for theirs. Works on the metadata of every kind served.

    owner                                      its dependents
    gone (uid not found)                       deleted, or where another owner lives, lose the reference
    deleted with finalizer foregroundDeletion  likewise, first; the finalizer goes when none blocks any more
    deleted with finalizer orphan              lose the reference; then the finalizer goes
Source: k8s.io/kubernetes/pkg/controller/garbagecollector.
"""

import asyncio
from contextlib import suppress
from typing import Any

from controllers.controller import Context, synced
from controllers.owners import Graph, Item
from podling.api.errors import ApiError, Conflict, NotFound
from podling.api.meta import split_key
from podling.client.client import Discovered
from podling.client.informer import Informer
from podling.client.resource import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS, Partial, Resource
from podling.loop import reconcile
from podling.loop.workqueue import WorkQueue

RETRY_SECONDS = 1.0
DISCOVERY_SECONDS = 30.0
SYNC_SECONDS = 30.0
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
LIVE, WAITING, GONE = "live", "waiting", "gone"


def _waits(metadata: Any) -> bool:
    """Whether an object goes only after what it owns."""
    return bool(metadata.deletionTimestamp) and FOREGROUND in (metadata.finalizers or ())


class Collector:
    def __init__(self, context: Context) -> None:
        self._client, self._informers = context.client, context.informers
        self._graph = Graph()
        self._queue: WorkQueue[str] = WorkQueue(context.clock)
        self._followed: set[Resource[Partial]] = set()

    async def run(self) -> None:
        await reconcile.run("garbage", self._queue, self._look)

    def follow(self, found: Discovered) -> list[Informer[Partial]]:
        """Every kind that is served now, and those whose server is only away; the informers of those that are new."""
        resources = found.that_take("list", "watch", "delete")
        wanted = {of for of in resources if of.plural != "events"}
        wanted |= {of for of in self._followed if of.api_version in found.stale}
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
        elif metadata.ownerReferences and not metadata.deletionTimestamp:
            await self._attempt(uid, item, metadata)

    async def _attempt(self, uid: str, item: Item, metadata: Any) -> None:
        """An object that is not going: does an owner hold it?"""
        owners = await self._owners(item, metadata)
        if LIVE in owners.values():
            await self._disown(item, metadata, {owner for owner, state in owners.items() if state != LIVE})
            return
        propagation = self._propagation(metadata)
        if WAITING in owners.values() and (dependents := self._graph.dependents.get(uid)):
            if any(_waits(self._graph.items[each][1]) for each in dependents if each in self._graph.items):
                await self._unblock(item, metadata)  # they may wait for each other
            propagation = "Foreground"
        await self._delete(item, metadata, propagation)

    @staticmethod
    def _propagation(metadata: Any) -> str:
        held = metadata.finalizers or ()
        return "Orphan" if ORPHAN in held else "Foreground" if FOREGROUND in held else "Background"

    async def _owners(self, item: Item, metadata: Any) -> dict[str, str]:
        """LIVE, WAITING (for its dependents to go) or GONE, by uid. Owners that no informer has told of are asked for:
        each kind has a watch of its own, and one may be behind another."""
        return {str(each.uid): await self._owner(item, each) for each in metadata.ownerReferences}

    async def _owner(self, item: Item, reference: Any) -> str:
        namespace, _ = split_key(item.key)
        known = self._graph.items.get(str(reference.uid))
        if known is not None and split_key(known[0].key) in ((namespace, reference.name), ("", reference.name)):
            return WAITING if _waits(known[1]) else LIVE
        group = reference.apiVersion.rpartition("/")[0]
        of = next((of for of in self._followed if (of.group, of.kind) == (group, reference.kind)), None)
        if of is None or (of.namespaced and not namespace):
            return LIVE  # nobody can say: a kind that is not served, or not where this object could see it
        with suppress(NotFound):
            found = await self._client.get(of, reference.name, namespace if of.namespaced else "")
            if found.metadata.uid == reference.uid:
                return WAITING if _waits(found.metadata) else LIVE
        return GONE

    async def _delete_dependents(self, uid: str) -> bool:
        """True while a dependent that blocks its owner remains."""
        blocking = False
        for dependent in list(self._graph.dependents.get(uid, ())):
            item, metadata = self._graph.items[dependent]
            reference = next(r for r in metadata.ownerReferences if r.uid == uid)
            blocking = blocking or bool(reference.blockOwnerDeletion)
            if not metadata.deletionTimestamp:
                await self._attempt(dependent, item, metadata)
        return blocking

    async def _disown(self, item: Item, metadata: Any, gone: set[str]) -> None:
        """Owners that do not hold it any more are owners no more: one that waits would wait for ever."""
        kept = [each.to_dict() for each in metadata.ownerReferences if str(each.uid) not in gone]
        if gone:
            await self._patch(item, metadata, {"ownerReferences": kept or None})

    async def _unblock(self, item: Item, metadata: Any) -> None:
        free = [each.to_dict() | {"blockOwnerDeletion": False} for each in metadata.ownerReferences]
        await self._patch(item, metadata, {"ownerReferences": free})

    async def _orphan(self, uid: str) -> None:
        for dependent in list(self._graph.dependents.get(uid, ())):
            await self._disown(*self._graph.items[dependent], {uid})

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
    for of in (CUSTOM_RESOURCE_DEFINITIONS, API_SERVICES):
        context.informers.get(of).on_change(lambda *_: kinds.set())

    async def follow_kinds() -> list[Informer[Partial]]:
        while True:
            await kinds.wait()
            kinds.clear()
            try:
                return collector.follow(await context.client.discover())
            except ApiError:
                kinds.set()
                await context.clock.sleep(RETRY_SECONDS)

    async def look_again() -> None:
        """What another API server serves may change without a word."""
        while True:
            await context.clock.sleep(DISCOVERY_SECONDS)
            kinds.set()

    # An owner waits for dependents of every kind: all must be known, if they can be.
    await synced(context.clock, await follow_kinds(), SYNC_SECONDS)
    async with asyncio.TaskGroup() as group:
        group.create_task(collector.run())
        group.create_task(look_again())
        while True:
            await follow_kinds()
