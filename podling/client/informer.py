"""A local copy of a part of the cluster, kept by list and watch.

    list ──▶ store ◀── watch from the list's version ──▶ handlers(key)
      ▲                     │ ended, broken or expired
      └─────────────────────┘

Handlers hear keys, never what happened: they may be told of a key that did not change, are never left untold of one
that did, and find its newest state in the store. Across a broken watch deletions are found by the next list.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from podling.api.errors import ApiError, Expired, Gone
from podling.api.meta import key_of
from podling.client.client import Client
from podling.client.resource import Resource
from podling.loop.clock import Clock, RealClock

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[str, Any, Any], None]
RETRY_SECONDS = 0.25
MOST_RETRY_SECONDS = 5.0


class Informer(Generic[T]):
    def __init__(
        self,
        client: Client,
        of: Resource[T],
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        clock: Clock | None = None,
    ) -> None:
        """Of one namespace, or of all."""
        self.of, self._namespace = of, namespace
        self._client, self._labels, self._fields = client, labels, fields
        self._clock = clock or RealClock()
        self._objects: dict[str, T] = {}
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._version = ""

    def on_change(self, handler: Handler) -> None:
        """`handler(key, old, new)`: either may be None. It must not wait; usually it adds the key to a work queue.
        What is in the store already is told at once."""
        self._handlers.append(handler)
        for key, item in self._objects.items():
            handler(key, None, item)

    def get(self, key: str) -> T | None:
        return self._objects.get(key)

    def values(self) -> Iterable[T]:
        return self._objects.values()

    def __len__(self) -> int:
        return len(self._objects)

    @property
    def is_synced(self) -> bool:
        return self._synced.is_set()

    async def synced(self) -> None:
        """Returns when the store has held a whole list once."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow until cancelled."""
        wait = RETRY_SECONDS
        while True:
            try:
                if not self._version:
                    await self._relist()
                wait = RETRY_SECONDS
                await self._follow()
            except (Expired, Gone):
                self._version = ""
            except ApiError as error:
                log.debug("watch broken resource=%s error=%s", self.of.plural, error)
                await self._clock.sleep(wait)
                wait = min(wait * 2, MOST_RETRY_SECONDS)

    async def _relist(self) -> None:
        listed = await self._client.list(self.of, self._namespace, labels=self._labels, fields=self._fields)
        found = {key_of(item.metadata): item for item in listed.items}  # type: ignore[attr-defined]
        for key in [key for key in self._objects if key not in found]:
            self._put(key, None)
        for key, item in found.items():
            self._put(key, item)
        self._version = listed.resource_version
        self._synced.set()

    async def _follow(self) -> None:
        changes = self._client.watch(self.of, self._version, self._namespace, labels=self._labels, fields=self._fields)
        async for type_, item in changes:
            metadata = item.metadata  # type: ignore[attr-defined]
            if type_ != "BOOKMARK":
                self._put(key_of(metadata), None if type_ == "DELETED" else item)
            self._version = metadata.resourceVersion

    def _put(self, key: str, new: T | None) -> None:
        old = self._objects.get(key)
        if old is None and new is None:
            return
        if old is not None and new is not None and _version(old) == _version(new):
            return
        if new is None:
            del self._objects[key]
        else:
            self._objects[key] = new
        for handler in self._handlers:
            handler(key, old, new)


def _version(item: Any) -> str | None:
    version: str | None = item.metadata.resourceVersion
    return version
