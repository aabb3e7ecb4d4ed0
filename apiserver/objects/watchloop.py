"""What a watch sends, in batches: the same for both faces. Slow clients hold up nobody: their watcher is cut."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import NamedTuple

from apiserver.answer import WatchAnswer
from apiserver.kinds.kind import Kind
from apiserver.objects.cached import shown
from apiserver.objects.watcher import Seen, Watcher, seen

BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK_SECONDS = 2.0  # before the watch's time is over


class Told(NamedTuple):
    """Events in order; `bookmark` is the revision that all of them were told up to, None where it is not said."""

    events: list[Seen]
    bookmark: int | None


async def told(found: WatchAnswer) -> AsyncIterator[Told]:
    """Ends when the watch's time is over, or when it was cut and everything that waited is told."""
    clock = asyncio.get_running_loop().time
    now = clock()
    end = now + found.seconds
    due = _due(now, end) if found.bookmarks else math.inf
    watcher = found.watcher
    while True:
        events = [*watcher.take(), *await _decided(watcher)]
        now = clock()
        bookmark = None
        if now >= due:
            due = _due(now, end)
            if found.feed.revision > watcher.since and not watcher.ended:
                bookmark = found.feed.revision
        if events or bookmark is not None:
            yield Told(await _shown(found.kind, events), bookmark)
        elif watcher.ended or now >= end:
            return
        else:
            await watcher.wait(max(0.0, min(end, due) - now))


def _due(now: float, end: float) -> float:
    """When the next bookmark is told: in a minute, or just before the end; after that, never."""
    due = min(now + BOOKMARK_SECONDS, end - LAST_BOOKMARK_SECONDS)
    return due if due > now else math.inf


async def _decided(watcher: Watcher) -> list[Seen]:
    """What a watch sees whose selectors ask objects in another version than the stored one."""
    changes = watcher.take_undecided()
    if changes:
        assert watcher.wanted.view is not None
        objects = [each for change in changes for each in (change.previous, change.current) if each is not None]
        await shown(watcher.wanted.view, objects)
    return [event for change in changes if (event := seen(watcher.wanted, change)) is not None]


async def _shown(kind: Kind, events: list[Seen]) -> list[Seen]:
    """The events' objects in the version that the watch is of."""
    if kind.versions is None:
        return events
    made = iter(await shown(kind, [event.cached for event in events if event.cached is not None]))
    return [event if event.cached is None else event._replace(cached=next(made)) for event in events]
