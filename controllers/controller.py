"""The shape of every controller here: informers whose changes name keys, and one function that makes a key right."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from podling.client.client import Client
from podling.client.informer import Informer
from podling.client.informers import Informers
from podling.loop import reconcile
from podling.loop.clock import Clock
from podling.loop.workqueue import WorkQueue
from podling.pki import Pair

Keys = Callable[[str, Any, Any], Sequence[str]]  # (key, old, new) of a changed object: the keys to look at


class Source(NamedTuple):
    """An informer, and which keys a change of one of its objects makes worth a look."""

    informer: Informer[Any]
    keys: Keys


def itself(key: str, old: Any, new: Any) -> Sequence[str]:
    """The changed object's own key."""
    return (key,)


class Context(NamedTuple):
    """What every controller is given."""

    client: Client
    informers: Informers
    clock: Clock
    ca: str = ""  # the cluster CA, PEM
    authority: Pair | None = None  # the same with its key, where certificates are signed


async def run(
    name: str, clock: Clock, sources: Sequence[Source], reconciled: reconcile.Reconcile[str], workers: int = 2
) -> None:
    """Wait for the informers to be filled, then work their keys until cancelled."""
    queue: WorkQueue[str] = WorkQueue(clock)
    for source in sources:
        source.informer.on_change(_adder(queue, source.keys))
    for source in sources:
        await source.informer.synced()
    await reconcile.run(name, queue, reconciled, workers)


async def synced(clock: Clock, informers: Iterable[Informer[Any]], seconds: float) -> bool:
    """Whether all were filled in that time: what another API server serves may not come."""
    filled = asyncio.gather(*(each.synced() for each in informers))
    limit = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((filled, limit), return_when=asyncio.FIRST_COMPLETED)
        return filled.done()
    finally:
        filled.cancel()
        limit.cancel()
        await asyncio.gather(filled, limit, return_exceptions=True)


def _adder(queue: WorkQueue[str], keys: Keys) -> Callable[[str, Any, Any], None]:
    def add(key: str, old: Any, new: Any) -> None:
        for found in keys(key, old, new):
            queue.add(found)

    return add
