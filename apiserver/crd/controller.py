"""Definitions and what they define: on every change, and at the start, what is served is what they say.

    definition changed ──▶ names accepted? ──▶ its kinds are served ──▶ Established
    deleted            ──▶ its objects go ──▶ the finalizer goes ──▶ nothing is served any more, watches end

Another definition of the group may have waited for a name that is free now: all of them are looked at again.
"""

import asyncio
import logging
from collections.abc import Callable

from apiserver.context import Context
from apiserver.crd import custom, status
from apiserver.crd.definition import CUSTOM_RESOURCE_DEFINITION
from apiserver.crd.status import is_true
from apiserver.kinds.kind import Kind, Object
from apiserver.objects.deletion import DeleteOptions
from apiserver.objects.registry import Registry, by_server
from apiserver.objects.watcher import Filter
from podling.api import errors
from podling.api.errors import GroupResource
from podling.api.meta import timestamp
from podling.loop import reconcile
from podling.loop.reconcile import After, Outcome
from podling.loop.workqueue import WorkQueue

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.2  # while objects that finalizers hold are going
WATCH_SECONDS = 60.0
CONVERSION_SECONDS = 30


class Controller:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.queue: WorkQueue[str] = WorkQueue()
        self._served: dict[str, tuple[object, Kind]] = {}  # name to what it was made of, and the kind that is stored
        self._status = CUSTOM_RESOURCE_DEFINITION.subresource("status")

    @property
    def registry(self) -> Registry:
        return self.context.registry

    def definition(self, name: str) -> Object | None:
        found = self.context.feed.of(CUSTOM_RESOURCE_DEFINITION).get("", name)
        return found.object if found else None

    async def start(self) -> None:
        """Serve what was established before: nobody shall find it missing. Call it once the caches are loaded."""
        for name in self.context.feed.of(CUSTOM_RESOURCE_DEFINITION).objects:
            await reconcile.once("definitions", self.queue, self._serve_again, name)

    async def _serve_again(self, name: str) -> Outcome:
        definition = self.definition(name)
        if definition is not None and status.is_served(definition):
            await self._serve(name, definition)
        return None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            group.create_task(reconcile.run("definitions", self.queue, self.reconcile))

    async def _watch(self) -> None:
        """Which definitions may be wrong. A watch that is cut begins anew, with all of them."""
        feed = self.context.feed
        while True:
            await feed.ready.wait()
            cache = feed.of(CUSTOM_RESOURCE_DEFINITION)
            watcher = cache.watch(Filter(), cache.changed)
            for name in {*cache.objects, *self._served}:
                self.queue.add(name)
            while not watcher.ended:
                for event in watcher.take():
                    if event.cached is not None:
                        self.queue.add(event.cached.metadata["name"])
                await watcher.wait(WATCH_SECONDS)

    async def reconcile(self, name: str) -> Outcome:
        definition = self.definition(name)
        if definition is None:
            self._unserve(name)
            self._look_at_others(name)
            return None
        now = timestamp(self.registry.clock.now())
        if status.named(definition, self._others(definition), now) != definition:
            await self._write(name, lambda found, now: status.named(found, self._others(found), now))
            self._look_at_others(name)
            return None  # its own change comes back
        if status.is_served(definition):
            await self._serve(name, definition)
        if is_true(definition, "NamesAccepted") and not is_true(definition, "Established"):
            await self._write(name, status.established)
            log.info("definition established name=%s", name)
        return await self._end(name, definition) if status.is_going(definition) else None

    def _others(self, definition: Object) -> list[Object]:
        cache = self.context.feed.of(CUSTOM_RESOURCE_DEFINITION)
        group, name = definition["spec"].get("group"), definition["metadata"]["name"]
        found = (cached.object for cached in cache.objects.values() if cached.metadata["name"] != name)
        return [other for other in found if other["spec"].get("group") == group]

    def _look_at_others(self, name: str) -> None:
        group = name.partition(".")[2]
        for other in self.context.feed.of(CUSTOM_RESOURCE_DEFINITION).objects:
            if other != name and other.partition(".")[2] == group:
                self.queue.add(other)

    async def _write(self, name: str, change: Callable[[Object, str], Object]) -> None:
        async def changed(found: Object) -> Object:
            return change(found, timestamp(self.registry.clock.now()))

        write = by_server()
        write.subresource = "status"
        await self.registry.update(CUSTOM_RESOURCE_DEFINITION, "", name, changed, write, self._status)

    # What is served.

    async def _serve(self, name: str, definition: Object) -> None:
        made_of = (definition["spec"], definition["status"]["acceptedNames"], definition["metadata"]["uid"])
        before = self._served.get(name)
        if before is not None and before[0] == made_of:
            return
        made = custom.make(definition, self._ask)
        if any(kind.resource == made.hub.resource and not kind.custom for kind in self.context.kinds.all):
            log.warning("definition of a built-in resource is not served name=%s", name)
            return
        await self.context.feed.add(made.hub)
        if before is not None:
            self.context.feed.of(made.hub).cut()  # who watches comes back, and is told by what holds now
        self._served[name] = made_of, made.hub
        if made.served:
            self.context.kinds.add(made.served)
        else:
            self.context.kinds.remove(made.hub.group, made.hub.plural)
        log.info("definition served name=%s versions=%s", name, ",".join(kind.version for kind in made.served))

    def _unserve(self, name: str) -> None:
        found = self._served.pop(name, None)
        if found is not None:
            hub = found[1]
            self.context.kinds.remove(hub.group, hub.plural)
            self.context.feed.remove(hub)
            log.info("definition gone name=%s", name)

    async def _ask(self, config: Object, review: Object) -> Object:
        return await self.context.webhooks.call(config, review, CONVERSION_SECONDS)

    # The end.

    async def _end(self, name: str, definition: Object) -> Outcome:
        if (status.find(definition, "Terminating") or {}).get("reason") == "InstanceDeletionPending":
            await self._write(name, status.emptying)
        try:
            if is_true(definition, "Established") and await self._empty(definition):
                return After(LOOK_AGAIN_SECONDS)
        except errors.ApiError as error:
            why = str(error)
            await self._write(name, lambda found, now: status.not_emptied(found, why, now))
            raise
        await self._write(name, status.emptied)
        return None

    async def _empty(self, definition: Object) -> bool:
        """Whether objects are left, all of them being deleted."""
        resource = GroupResource(definition["spec"]["group"], definition["status"]["acceptedNames"]["plural"])
        found = self._served.get(str(resource))
        if found is None:
            return False
        kind = found[1]
        await self.context.feed.fresh()
        cache = self.context.feed.of(kind)
        for cached in list(cache.objects.values()):
            meta = cached.metadata
            if meta.get("deletionTimestamp"):
                continue
            write = by_server()
            write.raw = True
            try:
                await self.registry.delete(kind, meta.get("namespace", ""), meta["name"], DeleteOptions(), write)
            except errors.NotFound:
                continue  # somebody else was faster
        return bool(cache.objects)
