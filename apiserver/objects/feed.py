"""One watch of the whole store feeds the caches of all kinds.

All keys are watched, not `/registry/` alone, so that the caches' revision reaches the store's own after every write,
whoever wrote what: `fresh` needs no progress messages to know that nothing was missed.

    start: range every kind at revision R ──▶ watch from R + 1 ──▶ apply, wake who waits for a revision
    the watch broke (compacted, store away): cut every watcher, start over
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from apiserver.kinds.kind import Kind
from apiserver.objects import keys
from apiserver.objects.watchcache import UNREADABLE, KindCache
from apiserver.objects.watcher import Watcher
from apiserver.refusal import no_such_resource
from podling.api.errors import GroupResource, ServiceUnavailable, Timeout
from podling.storage import Batch, Change, Storage, StorageError, prefix_end

log = logging.getLogger(__name__)

ALL = (b"\0", b"\0")
RETRY_SECONDS = 0.5
PAGE = 2000
PATIENCE_SECONDS = 3.0  # how long a read waits for a revision; Kubernetes waits as long


class Feed:
    """The caches, by kind, and the task that keeps them. Also the `Lister` of authorization and admission."""

    def __init__(self, storage: Storage, kinds: Sequence[Kind]) -> None:
        self.storage = storage
        self.caches: dict[tuple[str, str], KindCache] = {}
        self._by_prefix: dict[str, KindCache] = {}
        self._feeding = asyncio.Lock()  # held while a batch is applied or caches are loaded: both keep one revision
        for kind in kinds:
            if kind.stored and kind.hub is None:
                self._keep(KindCache(kind))
        self.revision = 0
        self.ready = asyncio.Event()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def of(self, kind: Kind) -> KindCache:
        """Raises `NotFound` for a kind that went while it was asked for."""
        home = kind.home
        cache = self.caches.get((home.group, home.plural))
        if cache is None:
            raise no_such_resource()
        return cache

    def forget(self, kind: Kind, watcher: Watcher) -> None:
        """Nobody takes what this watcher is offered any more."""
        cache = self.caches.get((kind.home.group, kind.home.plural))
        if cache is not None:
            cache.forget(watcher)

    # Kinds that come and go.

    async def add(self, kind: Kind) -> None:
        """Keep the objects of a kind that was not served before, or that is defined anew."""
        cache = self.caches.get((kind.group, kind.plural))
        if cache is not None:
            cache.become(kind)
            return
        async with self._feeding:
            cache = KindCache(kind)
            if self.ready.is_set():
                try:
                    cache.load(await self._read(cache, self.revision), self.revision)
                except StorageError as error:
                    raise ServiceUnavailable(f"the store is not available: {error}") from error
            self._keep(cache)

    def remove(self, kind: Kind) -> None:
        """The kind is served no more: its watches end."""
        cache = self.caches.pop((kind.group, kind.plural), None)
        if cache is not None:
            del self._by_prefix[cache.prefix[len(keys.ROOT) : -1]]
            cache.cut()

    def _keep(self, cache: KindCache) -> None:
        self.caches[cache.kind.group, cache.kind.plural] = cache
        self._by_prefix[cache.prefix[len(keys.ROOT) : -1]] = cache

    # The Lister.

    def get(self, resource: GroupResource, namespace: str, name: str) -> dict[str, Any] | None:
        cache = self.caches.get((resource.group, resource.resource))
        found = cache.get(namespace, name) if cache else None
        return found.object if found else None

    def list(self, resource: GroupResource, namespace: str | None = None) -> Iterable[dict[str, Any]]:
        cache = self.caches.get((resource.group, resource.resource))
        if cache is None:
            return []
        return [cached.object for cached in cache.span(namespace or "")]

    def version(self, resource: GroupResource) -> int:
        cache = self.caches.get((resource.group, resource.resource))
        return cache.version if cache else 0

    # Waiting.

    async def fresh(self) -> int:
        """Wait until the caches hold everything written so far; the revision they are at."""
        try:
            newest = await self.storage.revision()
        except StorageError as error:
            raise ServiceUnavailable(f"the store is not available: {error}") from error
        await self.reach(newest)
        return self.revision

    async def reach(self, revision: int) -> None:
        """Wait until the caches are at `revision` or beyond; `Timeout` when they do not get there."""
        if self.revision >= revision and self.ready.is_set():
            return
        reached = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (revision, next(self._count), reached))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):  # wait_for loses a cancellation that comes with the result
                await reached
        except TimeoutError:
            if self.revision >= revision and self.ready.is_set():
                return  # both came while the process had no turn
            text = f"Too large resource version: {revision}, current: {self.revision}"
            cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            raise Timeout(f"Timeout: {text}", {"causes": [cause], "retryAfterSeconds": 1}) from None

    def _reached(self, revision: int) -> None:
        self.revision = revision
        while self._waiting and self._waiting[0][0] <= revision:
            reached = heapq.heappop(self._waiting)[2]
            if not reached.done():
                reached.set_result(None)

    # Feeding.

    async def run(self) -> None:
        while True:
            try:
                await self._load()
                async for batch in self.storage.watch(*ALL, self.revision + 1):
                    async with self._feeding:
                        self._apply(batch)
                self._lost("the watch ended")
            except StorageError as error:
                self._lost(str(error))
            await asyncio.sleep(RETRY_SECONDS)

    def _lost(self, why: str) -> None:
        if self.ready.is_set():
            log.warning("watch of the store lost, starting over revision=%d error=%s", self.revision, why)
        self.ready.clear()
        for cache in self.caches.values():
            cache.cut()

    async def _load(self) -> None:
        async with self._feeding:
            revision = await self.storage.revision()
            for cache in self.caches.values():
                for key in cache.load(await self._read(cache, revision), revision):
                    log.error("unreadable value key=%s%s", cache.prefix, key)
            self.ready.set()
            self._reached(revision)
        log.info("caches loaded revision=%d objects=%d", revision, sum(len(c.objects) for c in self.caches.values()))

    async def _read(self, cache: KindCache, revision: int) -> Sequence[tuple[str, bytes, int]]:
        start, end = cache.prefix.encode(), prefix_end(cache.prefix.encode())
        skip = len(start)
        found: list[tuple[str, bytes, int]] = []
        while True:
            page = await self.storage.range(start, end, revision=revision, limit=PAGE)
            found += [(kv.key[skip:].decode(), kv.value, kv.mod_revision) for kv in page.kvs]
            if len(page.kvs) < PAGE:
                return found
            start = page.kvs[-1].key + b"\0"

    def _apply(self, batch: Batch) -> None:
        for event in batch.events:
            cache, key = self._locate(event.kv.key)
            if cache is None:
                continue
            try:
                if event.change is Change.PUT:
                    cache.put(key, event.kv.value, event.kv.mod_revision)
                else:
                    cache.delete(key, event.kv.mod_revision)
            except UNREADABLE as error:  # somebody else wrote what is no object
                log.error("unreadable value key=%s revision=%d error=%s", event.kv.key, event.kv.mod_revision, error)
        self._reached(batch.revision)

    def _locate(self, key: bytes) -> tuple[KindCache | None, str]:
        text = key.decode(errors="replace")
        if not text.startswith(keys.ROOT):
            return None, ""
        parts = text[len(keys.ROOT) :].split("/")
        for length in (2, 1):  # "services/specs" before "services"
            cache = self._by_prefix.get("/".join(parts[:length]))
            if cache is not None and len(parts) > length:
                return cache, "/".join(parts[length:])
        return None, ""
