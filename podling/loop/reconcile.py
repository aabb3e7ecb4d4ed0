"""The one loop of every controller: take a key, make it right, look again when told.

outcome of reconcile(key)        what follows
None                             settled: forget its failures
After(seconds)                   settled for now: look again then
raises Terminal                  no retry can help: one log line
raises anything else             retry with backoff: the only `except Exception` of the house
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import NamedTuple, TypeVar

from podling.api.errors import ApiError, Conflict, NotFound
from podling.loop.workqueue import WorkQueue

log = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)


class After(NamedTuple):
    seconds: float


class Terminal(Exception):
    """Trying again cannot help."""


Outcome = After | None
Reconcile = Callable[[K], Awaitable[Outcome]]


async def run(name: str, queue: WorkQueue[K], reconcile: Reconcile[K], workers: int = 1) -> None:
    """Work the queue until cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(_work(name, queue, reconcile))
    finally:
        queue.close()


async def _work(name: str, queue: WorkQueue[K], reconcile: Reconcile[K]) -> None:
    while True:
        key = await queue.get()
        try:
            await once(name, queue, reconcile, key)
        finally:
            queue.done(key)


async def once(name: str, queue: WorkQueue[K], reconcile: Reconcile[K], key: K) -> None:
    """One look at one key, its outcome carried out on the queue."""
    try:
        outcome = await reconcile(key)
    except Terminal as error:
        log.warning("%s gives up key=%s error=%s", name, key, error)
        queue.forget(key)
    except Exception as error:
        seconds = queue.retry(key)
        expected = isinstance(error, ApiError)
        level = logging.DEBUG if isinstance(error, Conflict | NotFound) else logging.WARNING
        log.log(level, "%s tries again key=%s seconds=%.2f error=%s", name, key, seconds, error, exc_info=not expected)
    else:
        queue.forget(key)
        if outcome:
            queue.add_after(key, outcome.seconds)
