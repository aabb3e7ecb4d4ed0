"""One watch of the store feeds all caches."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from apiserver.objects import feed as feeding
from apiserver.objects.feed import Feed
from apiserver.objects.watcher import Filter
from podling.api import errors
from podling.api.errors import GroupResource
from tests.unit.apiserver.conftest import NOTE, World

NOTES = GroupResource("", "notes")
KEY = b"/registry/notes/default/a"
VALUE = b'{"kind":"Note","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":"u"}}'


async def test_what_another_server_wrote_is_seen(world: World) -> None:
    world.storage.put(KEY, VALUE)
    await world.feed.fresh()
    assert world.feed.get(NOTES, "default", "a") is not None
    assert [body["metadata"]["name"] for body in world.feed.list(NOTES, "default")] == ["a"]
    assert list(world.feed.list(NOTES, "other")) == []


async def test_keys_that_are_no_objects_move_the_revision_too(world: World) -> None:
    world.storage.put(b"/elsewhere", b"x")
    assert await world.feed.fresh() == 2


async def test_an_unreadable_value_is_skipped(world: World) -> None:
    world.storage.put(KEY, b"nonsense")
    world.storage.put(b"/registry/notes/default/b", VALUE.replace(b'"a"', b'"b"'))
    await world.feed.fresh()
    assert world.feed.get(NOTES, "default", "a") is None
    assert world.feed.get(NOTES, "default", "b") is not None


async def test_a_kind_nobody_declared_is_nothing(world: World) -> None:
    assert world.feed.get(GroupResource("x", "ys"), "", "a") is None
    assert list(world.feed.list(GroupResource("x", "ys"))) == []
    assert world.feed.version(GroupResource("x", "ys")) == 0


async def test_a_version_grows_with_every_change(world: World) -> None:
    before = world.feed.version(NOTES)
    await world.note("a")
    assert world.feed.version(NOTES) > before


async def test_a_revision_that_does_not_come_is_a_timeout(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(errors.Timeout, match="Too large resource version: 99, current: 1"):
        await world.feed.reach(99)


async def test_a_revision_that_came_with_the_end_of_patience_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that had no turn for seconds finds both at once, the clock first."""

    @contextlib.asynccontextmanager
    async def late(_: float) -> AsyncIterator[None]:
        yield
        raise TimeoutError

    monkeypatch.setattr(asyncio, "timeout", late)
    waiting = asyncio.create_task(world.feed.reach(2))
    await world.note("a")
    await waiting


async def test_a_broken_watch_starts_over_and_ends_the_watches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "RETRY_SECONDS", 0.0)
    await world.note("a")
    watcher = world.feed.of(NOTE).watch(Filter(), world.feed.revision)
    world.storage.break_watches()
    await asyncio.wait_for(watcher.wait(10), 60)
    assert watcher.ended
    world.storage.put(b"/registry/notes/default/b", VALUE.replace(b'"a"', b'"b"'))
    await world.feed.fresh()
    assert {cached.key for cached in world.feed.of(NOTE).select(Filter())} == {"default/a", "default/b"}


async def test_before_the_first_load_nothing_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "PATIENCE_SECONDS", 0.01)
    cold = Feed(world.storage, [NOTE])
    with pytest.raises(errors.Timeout):
        await cold.reach(0)
