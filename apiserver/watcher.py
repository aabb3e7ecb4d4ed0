"""One watch: what it wants to see, and what waits to be sent to it."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from apiserver.cached import Cached, Change
from podling.api.errors import ApiError
from podling.api.selectors import Selector, matches

BACKLOG = 4096  # changes that may wait for one watcher; beyond it the watcher is too slow and its watch ends


@dataclass(frozen=True, slots=True)
class Filter:
    """A namespace, a name, and selectors; empty means all."""

    namespace: str = ""
    name: str = ""
    labels: Selector = ()
    fields: Selector = ()

    @property
    def selects(self) -> bool:
        return bool(self.labels or self.fields)

    def matches(self, cached: Cached) -> bool:
        metadata = cached.object["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if self.name and metadata["name"] != self.name:
            return False
        if self.labels and not matches(self.labels, metadata.get("labels")):
            return False
        return not self.fields or matches(self.fields, cached.fields)


class Seen(NamedTuple):
    """A change as one watcher sees it: an object that comes to match is ADDED, one that no longer does DELETED.

    BOOKMARK has no object: what was there when the watch began has been told, up to `revision`. ERROR has a Status.
    """

    type: str
    revision: int
    cached: Cached | None
    change: Change | None  # None: not a change but what was there when the watch began
    status: dict[str, Any] | None = None


def seen(wanted: Filter, change: Change) -> Seen | None:
    is_in = change.current is not None and wanted.matches(change.current)
    was_in = change.previous is not None and wanted.matches(change.previous)
    if is_in:
        assert change.current is not None
        return Seen("MODIFIED" if was_in else "ADDED", change.revision, change.current, change)
    return Seen("DELETED", change.revision, change.gone, change) if was_in else None


class Watcher:
    """Fed by the cache, drained by one connection; neither waits for the other."""

    def __init__(self, wanted: Filter, since: int = 0, past: Iterable[Change] = ()) -> None:
        self.wanted, self.since = wanted, since  # what happened up to revision `since` is known, if it lies ahead too
        self._waiting: deque[Seen] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._limit = BACKLOG
        self.ended = False
        for change in past:
            self.offer(change)

    def start_with(self, found: Iterable[Cached]) -> None:
        """What is there already, as ADDED events."""
        self._waiting.extend(Seen("ADDED", cached.revision, cached, None) for cached in found)
        self._limit += len(self._waiting)

    @classmethod
    def refused(cls, error: ApiError) -> "Watcher":
        """A watch that tells why it cannot be, and ends."""
        made = cls(Filter())
        made._waiting.append(Seen("ERROR", 0, None, None, error.status()))
        made.ended = True
        return made

    def mark(self, revision: int) -> None:
        """The end of what was there already."""
        self._waiting.append(Seen("BOOKMARK", revision, None, None))

    def offer(self, change: Change) -> bool:
        """False when the watch has ended: it was cut, or is too slow."""
        if self.ended:
            return False
        event = seen(self.wanted, change) if change.revision > self.since else None
        if event is not None:
            self._waiting.append(event)
            if len(self._waiting) > self._limit:
                self.cut()
            self._wake_up()
        return not self.ended

    def cut(self) -> None:
        self.ended = True
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def take(self) -> list[Seen]:
        """All that waits, at once; empty when nothing does."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    async def wait(self, seconds: float) -> None:
        """Until something waits, the watch has ended, or the time is over."""
        if self._waiting or self.ended:
            return
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._wake, seconds)
        except TimeoutError:
            pass
        finally:
            self._wake = None
