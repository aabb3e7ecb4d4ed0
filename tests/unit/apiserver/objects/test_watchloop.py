"""When a watch tells its progress, and when it ends."""

import math

import pytest

from apiserver.answer import WatchAnswer
from apiserver.objects import watchloop
from apiserver.objects.lists import Reader
from apiserver.objects.watchloop import told
from apiserver.options import list_options
from tests.unit.apiserver.conftest import NOTE, World


@pytest.mark.parametrize(
    ("now", "end", "due"),
    [
        (0, 1800, 60),  # each minute
        (1700, 1800, 1760),
        (1760, 1800, 1798),  # and once more, just before the end
        (1798, 1800, math.inf),
        (0, 5, 3),
        (0, 2, math.inf),  # too short to tell any
    ],
)
def test_bookmarks_are_told_each_minute_and_before_the_end(now: float, end: float, due: float) -> None:
    assert watchloop._due(now, end) == due


async def watched(world: World, seconds: float, **asked: str) -> list[tuple[str, int]]:
    """What a watch from now on tells in so many seconds; one object is written meanwhile."""
    options = list_options({"watch": "1", "resourceVersion": str(world.feed.revision), **asked}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", options)
    await world.note("a")
    found: list[tuple[str, int]] = []
    async for events, bookmark in told(WatchAnswer(NOTE, watcher, world.feed, seconds, options.bookmarks)):
        found += [(event.type, event.revision) for event in events]
        found += [("BOOKMARK", bookmark)] if bookmark is not None else []
    return found


async def test_the_last_bookmark_tells_how_far_the_watch_came(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchloop, "LAST_BOOKMARK_SECONDS", 0.05)
    assert await watched(world, 0.1, allowWatchBookmarks="true") == [("ADDED", 2), ("BOOKMARK", 2)]


async def test_who_did_not_ask_for_bookmarks_gets_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchloop, "LAST_BOOKMARK_SECONDS", 0.05)
    assert await watched(world, 0.1) == [("ADDED", 2)]


async def test_where_nothing_happened_there_is_no_progress_to_tell(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchloop, "LAST_BOOKMARK_SECONDS", 0.05)
    options = list_options({"watch": "1", "resourceVersion": "1", "allowWatchBookmarks": "true"}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", options)
    assert [each async for each in told(WatchAnswer(NOTE, watcher, world.feed, 0.1, True))] == []
