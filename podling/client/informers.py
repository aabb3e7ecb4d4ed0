"""One informer a resource and selector, shared by everybody in the process who reads it.

async with Informers(client, clock) as informers:
    pods = informers.get(PODS)
"""

import asyncio
from types import TracebackType
from typing import Any, TypeVar

from podling.client.client import Client
from podling.client.informer import Informer
from podling.client.resource import Resource
from podling.loop.clock import Clock, RealClock

T = TypeVar("T")


class Informers:
    def __init__(self, client: Client, clock: Clock | None = None) -> None:
        self._client, self._clock = client, clock or RealClock()
        self._group = asyncio.TaskGroup()
        self._known: dict[tuple[Any, ...], tuple[Informer[Any], asyncio.Task[None]]] = {}

    async def __aenter__(self) -> "Informers":
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, task in self._known.values():
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def get(self, of: Resource[T], *, labels: str = "", fields: str = "") -> Informer[T]:
        """Following already, or from now on."""
        key = (of, labels, fields)
        if key not in self._known:
            informer = Informer(self._client, of, labels=labels, fields=fields, clock=self._clock)
            self._known[key] = (informer, self._group.create_task(informer.run()))
        return self._known[key][0]

    def forget(self, of: Resource[Any]) -> None:
        """Follow a resource no more: it is not served any longer."""
        for key in [key for key in self._known if key[0] == of]:
            self._known.pop(key)[1].cancel()
