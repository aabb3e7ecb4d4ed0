"""Which revision a list reads, and how pages hang together."""

import base64
import json

import pytest

from apiserver.answer import ListAnswer
from apiserver.objects import continuation, feed
from apiserver.objects.lists import Reader
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
    token = continuation.write(continuation.Token(2, "default/a"), "default")
    with pytest.raises(errors.BadRequest, match="specifying resource version is not allowed"):
        await listed(world, resourceVersion="2", **{"continue": token})


async def test_a_watch_without_a_version_begins_with_what_is_there(world: World) -> None:
    await world.note("a")
    options = list_options({"watch": "1"}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", options)
    await world.note("b")
    assert [(event.type, event.revision) for event in watcher.take()] == [("ADDED", 2), ("ADDED", 3)]


async def test_initial_events_end_with_a_mark(world: World) -> None:
    await world.note("a")
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    watcher = await Reader(world.feed).watch(NOTE, "default", list_options({"watch": "1", **asked}, NOTE))
    assert [event.type for event in watcher.take()] == ["ADDED", "BOOKMARK"]
    none = list_options({"watch": "1", **asked, "sendInitialEvents": "false"}, NOTE)
    assert (await Reader(world.feed).watch(NOTE, "default", none)).take() == []


async def test_a_page_is_cut_where_objects_follow_that_nobody_asked_for(world: World) -> None:
    """As Kubernetes has it: the limit is met, so nobody looks whether a later object would match."""
    await world.note("a", labels={"x": "y"})
    await world.note("b")
    first = await listed(world, limit="1", labelSelector="x=y")
    assert (names(first), first.remaining, bool(first.continue_)) == (["a"], None, True)
    last = await listed(world, limit="1", labelSelector="x=y", **{"continue": first.continue_})
    assert (names(last), last.continue_) == ([], "")


async def test_pages_of_an_older_state_come_from_the_store_and_count_what_remains(world: World) -> None:
    for name in "abcde":
        await world.note(name, labels={"odd": str(name in "ace")})
    first = await listed(world, limit="2")
    await world.note("bb")
    second = await listed(world, limit="2", **{"continue": first.continue_})
    assert (names(second), second.remaining, second.revision) == (["c", "d"], 1, first.revision)
    odd = await listed(world, limit="2", labelSelector="odd=True", resourceVersion=str(first.revision))
    assert (names(odd), odd.remaining) == (["a", "c"], None)
    rest = await listed(world, limit="2", labelSelector="odd=True", **{"continue": odd.continue_})
    assert (names(rest), rest.continue_) == (["e"], "")


async def test_a_token_stays_in_the_namespace_that_is_listed(world: World) -> None:
    for namespace in ("default", "other"):
        for name in "ab":
            await world.registry.create(NOTE, namespace, {"metadata": {"name": name}})
    reader, page = Reader(world.feed), list_options({"limit": "3"}, NOTE)
    everywhere = await reader.list(NOTE, "", page)
    assert continuation.read(everywhere.continue_, "") == continuation.Token(everywhere.revision, "other/a\0")
    rest = await reader.list(NOTE, "", list_options({"continue": everywhere.continue_}, NOTE))
    assert [cached.key for cached in rest.items] == ["other/b"]
    here = await reader.list(NOTE, "other", list_options({"limit": "1"}, NOTE))
    assert (here.remaining, here.continue_) == (1, continuation.write(continuation.Token(here.revision, "a\0"), ""))
    rest = await reader.list(NOTE, "other", list_options({"continue": here.continue_}, NOTE))
    assert [cached.key for cached in rest.items] == ["other/b"]


async def test_a_watch_from_before_what_is_remembered_is_told_so_and_ends(world: World) -> None:
    await world.note("a")
    world.feed.of(NOTE).since = 5
    options = list_options({"watch": "1", "resourceVersion": "2"}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", options)
    (event,) = watcher.take()
    assert (event.type, event.status and event.status["reason"], watcher.ended) == ("ERROR", "Expired", True)
    assert event.status and event.status["message"] == "too old resource version: 2 (5)"


async def test_a_watch_from_a_version_to_come_tells_what_is_later(world: World) -> None:
    options = list_options({"watch": "1", "resourceVersion": "3"}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", options)
    for name in "abc":
        await world.note(name)
    assert [(event.type, event.revision) for event in watcher.take()] == [("ADDED", 4)]


async def test_initial_events_of_a_version_that_does_not_come_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PATIENCE_SECONDS", 0.01)
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "99"}
    watcher = await Reader(world.feed).watch(NOTE, "default", list_options({"watch": "1", **asked}, NOTE))
    (event,) = watcher.take()
    assert event.status and event.status["message"] == "Timeout: Too large resource version: 99, current: 1"


@pytest.mark.parametrize("version", ["", "0"])
async def test_a_watch_that_began_with_what_is_there_always_marks_its_end_too(world: World, version: str) -> None:
    await world.note("a")
    options = list_options({"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version}, NOTE)
    watcher = await Reader(world.feed).watch(NOTE, "default", options)
    assert [(event.type, event.revision) for event in watcher.take()] == [("ADDED", 2), ("BOOKMARK", 2)]


def token(**body: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "invalid character '\\u009e' looking for beginning of value"),
        ("eyJ2IjoieCJ9", "server does not recognize this encoded version x"),
        ("a b", "illegal base64 data at input byte 1"),
        (token(v="meta.k8s.io/v1", rv=5), "encoded start key empty (version meta.k8s.io/v1)"),
        (token(v="meta.k8s.io/v1", start="a"), "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (token(v="meta.k8s.io/v1", rv=5, start="../x"), "continue key is not valid: ../x"),
        (token(v="meta.k8s.io/v1", rv=5, start="a/../../x"), "continue key is not valid: a/../../x"),
        (token(v="meta.k8s.io/v1", rv=5, start="//x"), "continue key is not valid: //x"),
    ],
)
def test_a_continue_token_that_is_no_good_says_why(text: str, words: str) -> None:
    with pytest.raises(errors.BadRequest) as refused:
        continuation.read(text, "default")
    assert refused.value.message.startswith("invalid continue token: continue key is not valid: ")
    assert words in refused.value.message
