"""Which revision a list reads, and how pages hang together."""

import pytest

from apiserver import continuation
from apiserver.answer import ListAnswer
from apiserver.lists import Reader
from apiserver.options import list_options
from podling.api import errors
from tests.unit.apiserver.conftest import NOTE, World


async def listed(world: World, **options: str) -> ListAnswer:
    return await Reader(world.feed).list(NOTE, "default", list_options(options, NOTE))


def names(found: ListAnswer) -> list[str]:
    return [cached.metadata["name"] for cached in found.items]


async def test_a_list_holds_everything_written_before_it(world: World) -> None:
    for name in "ba":
        await world.note(name)
    found = await listed(world)
    assert names(found) == ["a", "b"]
    assert found.revision == 3


async def test_pages_show_the_state_of_the_first(world: World) -> None:
    for name in "abcd":
        await world.note(name)
    first = await listed(world, limit="2")
    assert (names(first), first.remaining) == (["a", "b"], 2)
    await world.note("bb")
    second = await listed(world, limit="1", **{"continue": first.continue_})
    assert (names(second), second.revision, second.remaining) == (["c"], first.revision, 1)
    third = await listed(world, **{"continue": second.continue_})
    assert (names(third), third.continue_) == (["d"], "")


async def test_how_much_remains_is_not_told_under_a_selector(world: World) -> None:
    for name in "ab":
        await world.note(name, labels={"x": "y"})
    found = await listed(world, limit="1", labelSelector="x=y")
    assert (found.remaining, bool(found.continue_)) == (None, True)


async def test_a_page_whose_revision_is_compacted_is_expired_and_offers_to_go_on(world: World) -> None:
    for name in "abc":
        await world.note(name)
    first = await listed(world, limit="1")
    await world.note("bb")
    world.storage.compacted = 99
    with pytest.raises(errors.Expired, match="The provided continue parameter is too old") as refused:
        await listed(world, **{"continue": first.continue_})
    token = refused.value.status()["metadata"]["continue"]
    assert names(await listed(world, **{"continue": token})) == ["b", "bb", "c"]


async def test_an_exact_version_is_read_from_the_store(world: World) -> None:
    await world.note("a")
    await world.note("b")
    found = await listed(world, resourceVersion="2", resourceVersionMatch="Exact")
    assert (names(found), found.revision) == (["a"], 2)
    assert names(await listed(world, resourceVersion="2", resourceVersionMatch="NotOlderThan")) == ["a", "b"]
    assert names(await listed(world, resourceVersion="2", limit="5")) == ["a"]


async def test_an_exact_version_that_is_gone_is_expired(world: World) -> None:
    await world.note("a")
    await world.note("b")
    world.storage.compacted = 99
    with pytest.raises(errors.Expired, match="The resourceVersion for the provided list is too old"):
        await listed(world, resourceVersion="2", resourceVersionMatch="Exact")


async def test_any_version_ignores_the_limit(world: World) -> None:
    for name in "abc":
        await world.note(name)
    assert names(await listed(world, resourceVersion="0", limit="1")) == ["a", "b", "c"]


async def test_a_version_beside_a_continue_token_is_refused(world: World) -> None:
    token = continuation.write(continuation.Token(2, "default/a"))
    with pytest.raises(errors.BadRequest, match="specifying resource version is not allowed"):
        await listed(world, resourceVersion="2", **{"continue": token})


async def test_a_watch_without_a_version_begins_with_what_is_there(world: World) -> None:
    await world.note("a")
    options = list_options({"watch": "1"}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", "", options)
    await world.note("b")
    assert [(event.type, event.revision) for event in watcher.take()] == [("ADDED", 2), ("ADDED", 3)]


async def test_initial_events_end_with_a_mark(world: World) -> None:
    await world.note("a")
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    watcher = await Reader(world.feed).watch(NOTE, "default", "", list_options({"watch": "1", **asked}, NOTE))
    assert [event.type for event in watcher.take()] == ["ADDED", "BOOKMARK"]
    none = list_options({"watch": "1", **asked, "sendInitialEvents": "false"}, NOTE)
    assert (await Reader(world.feed).watch(NOTE, "default", "", none)).take() == []


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("nonsense", "invalid character '\\u009e' looking for beginning of value"),
        ("eyJ2IjoieCJ9", "server does not recognize this encoded version x"),
        ("a b", "illegal base64 data at input byte 1"),
        (continuation.write(continuation.Token(5, "")), "encoded start key empty"),
        (continuation.write(continuation.Token(5, "../x")), "is not valid"),
    ],
)
def test_a_continue_token_that_is_no_good_says_why(token: str, words: str) -> None:
    with pytest.raises(errors.BadRequest) as refused:
        continuation.read(token)
    assert words in refused.value.message
