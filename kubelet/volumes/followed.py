"""Tells which pods read a config map or a secret that has just changed, come or gone.

One watch an object, shared by the pods of its namespace that read it. It is a hint and nothing more: whoever hears it
reads the object again, and everybody does so now and then, watch or no watch.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from kubelet.environment import Source
from podling.client.client import Client
from podling.client.informer import Informer
from podling.client.resource import CONFIG_MAPS, SECRETS, Resource
from podling.loop.clock import Clock

OF_KIND: dict[str, Resource[Any]] = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}


class Key(NamedTuple):
    namespace: str
    source: Source


class _Watched(NamedTuple):
    task: "asyncio.Task[None]"
    readers: set[str]


class Followed:
    """`on_change` is called with the uid of each reader."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self.on_change: Callable[[str], None] = lambda uid: None
        self._watched: dict[Key, _Watched] = {}
        self._read: dict[Key, str | None] = {}  # the version that was read last; None: there was none

    def follow(self, uid: str, key: Key, version: str | None) -> None:
        """The pod has just read this version of the object, None: that there is none."""
        self._read[key] = version
        if key not in self._watched:
            self._watched[key] = _Watched(asyncio.ensure_future(self._watch(key)), set())
        self._watched[key].readers.add(uid)

    def forget(self, uid: str) -> None:
        """The pod reads nothing any more."""
        for key, (task, readers) in list(self._watched.items()):
            readers.discard(uid)
            if not readers:
                task.cancel()
                del self._watched[key], self._read[key]

    def close(self) -> None:
        for task, _ in self._watched.values():
            task.cancel()

    async def _watch(self, key: Key) -> None:
        of, fields = OF_KIND[key.source.kind], f"metadata.name={key.source.name}"
        informer = Informer(self._client, of, namespace=key.namespace, fields=fields, clock=self._clock)

        def changed(_: str, old: Any, new: Any) -> None:
            version = new.metadata.resourceVersion if new else None
            if version == self._read.get(key):
                return
            for uid in list(self._watched[key].readers) if key in self._watched else ():
                self.on_change(uid)

        informer.on_change(changed)
        await informer.run()
