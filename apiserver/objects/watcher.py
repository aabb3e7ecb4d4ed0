"""One watch: what it wants to see, and what waits to be sent to it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from apiserver.kinds.kind import Kind
from apiserver.objects.cached import Cached, Change
from podling.api.errors import ApiError
from podling.api.selectors import Selector, matcher

BACKLOG = 4096  # changes that may wait for one watcher; beyond it the watcher is too slow and its watch ends


@dataclass(frozen=True, slots=True)
class Filter:
    """A namespace, a name, and selectors; empty means all. The selectors ask an object as it is shown in `view`, which
    must have been made before, or as it is stored."""

    namespace: str = ""
    name: str = ""
    labels: Selector = ()
    fields: Selector = ()
    view: Kind | None = None
    _tests: tuple[Callable[[Cached], bool], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tests", tuple(_tests(self)))

    @property
    def selects(self) -> bool:
        return bool(self.labels or self.fields)

    def around(self, cached: Cached) -> bool:
        """Whether an object is of this namespace and name."""
        return all(test(cached) for test in self._tests[: bool(self.namespace) + bool(self.name)])

    def of(self, found: Iterator[Cached]) -> Iterator[Cached]:
        """Those that the selectors let through, of objects of this namespace and name."""
        tests = self._tests[bool(self.namespace) + bool(self.name) :]
        for test in tests:
            found = filter(test, found)
        return found

    def matches(self, cached: Cached) -> bool:
        for test in self._tests:  # noqa: SIM110 - asked of every object, for every watcher
            if not test(cached):
                return False
        return True


def _tests(wanted: Filter) -> Iterator[Callable[[Cached], bool]]:
    namespace, name = wanted.namespace, wanted.name
    if namespace:
        yield lambda cached: cached.metadata.get("namespace") == namespace
    if name:
        yield lambda cached: bool(cached.metadata["name"] == name)
    if (view := wanted.view) is not None:
        selected = tuple(_selectors(wanted))
        # There is none in a version that has been redefined since: then this is no longer waited for.
        yield lambda cached: all(test(cached.shown(view) or cached) for test in selected)
    else:
        yield from _selectors(wanted)


def _selectors(wanted: Filter) -> Iterator[Callable[[Cached], bool]]:
    if wanted.labels:
        by_labels = matcher(wanted.labels)
        yield lambda cached: by_labels(cached.labels)
    if wanted.fields:
        by_fields = matcher(wanted.fields)
        yield lambda cached: by_fields(cached.fields)


class Seen(NamedTuple):
    """A change as one watcher sees it: an object that comes to match is ADDED, one that no longer does DELETED.

    BOOKMARK has no object: what was there when the watch began has been told, up to `revision`. ERROR has a Status.
    """

    type: str
    revision: int
    cached: Cached | None
    forms: dict[str, bytes] | None  # its lines, by form, filled by whoever first needs one; None: nobody shares them
    status: dict[str, Any] | None = None


def seen(wanted: Filter, change: Change) -> Seen | None:
    """The event is made once a change and type, whoever watch."""
    current, previous = change.current, change.previous
    was_in = previous is not None and wanted.matches(previous)
    if current is not None and wanted.matches(current):
        type_ = "MODIFIED" if was_in else "ADDED"
    elif was_in:
        type_ = "DELETED"
    else:
        return None
    found: Seen | None = change.seen.get(type_)
    if found is None:
        cached = change.gone if type_ == "DELETED" else current
        found = change.seen[type_] = Seen(type_, change.revision, cached, {})
    return found


class Watcher:
    """Fed by the cache, drained by one connection; neither waits for the other."""

    def __init__(self, wanted: Filter, since: int = 0, past: Iterable[Change] = ()) -> None:
        self.wanted, self.since = wanted, since  # what happened up to revision `since` is known, if it lies ahead too
        self._waiting: deque[Seen] = deque()
        self._undecided: deque[Change] = deque()
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
        if change.revision > self.since and self._put(change):
            if len(self._waiting) + len(self._undecided) > self._limit:
                self.cut()
            self._wake_up()
        return not self.ended

    def _put(self, change: Change) -> bool:
        """Whether it concerns this watch."""
        if self.wanted.view is None:
            event = seen(self.wanted, change)
            if event is not None:
                self._waiting.append(event)
            return event is not None
        concerns = self.wanted.around(change.current or change.previous)  # type: ignore[arg-type]
        if concerns:
            self._undecided.append(change)
        return concerns

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

    def take_undecided(self) -> list[Change]:
        """The changes that came since, of which `seen` tells once they are converted to the version of the watch."""
        taken = list(self._undecided)
        self._undecided.clear()
        return taken

    async def wait(self, seconds: float) -> None:
        """Until something waits, the watch has ended, or the time is over."""
        if self._waiting or self._undecided or self.ended:
            return
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        timer = loop.call_later(seconds, self._wake_up)
        try:
            await self._wake
        finally:
            timer.cancel()
            self._wake = None
