"""The contract of `podling.storage.Storage`, over each of its keepers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from podling.client.etcd import EtcdStorage
from podling.storage import (
    Batch,
    Change,
    Compacted,
    Delete,
    FutureRevision,
    If,
    LeaseNotFound,
    Put,
    Storage,
    StorageError,
    StorageUnavailable,
    prefix_end,
)
from store.local import LocalStorage

ALL = (b"/", prefix_end(b"/"))


@pytest.fixture(params=["local", "ours over gRPC", "etcd"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    if request.param == "local":
        keeper: Storage = await LocalStorage.open(tmp_path)
    else:
        server = "store_address" if request.param == "ours over gRPC" else "etcd_address"
        keeper = EtcdStorage([request.getfixturevalue(server)])
        await empty(keeper)
    yield keeper
    await keeper.close()


async def empty(storage: Storage) -> None:
    for kv in (await storage.range(b"\0", b"\0")).kvs:
        await storage.write(None, Delete(kv.key))


async def collect(storage: Storage, start: bytes, end: bytes, from_revision: int, until: int) -> list[Batch]:
    """The batches with events, up to the one of revision `until`."""
    batches: list[Batch] = []
    async with asyncio.timeout(60), aclosing(storage.watch(start, end, from_revision)) as watch:  # type: ignore[type-var]
        async for batch in watch:
            if batch.events:
                batches.append(batch)
            if batch.revision >= until:
                break
    return batches


async def test_a_key_that_was_put_is_read_back_with_its_revisions(storage: Storage) -> None:
    first = await storage.write(None, Put(b"/a", b"1"))
    second = await storage.write(None, Put(b"/a", b"2"))
    found = await storage.get(b"/a")
    assert first.succeeded and second.revision == first.revision + 1
    [kv] = found.kvs
    assert (kv.key, kv.value, kv.version, kv.lease) == (b"/a", b"2", 2, 0)
    assert (kv.create_revision, kv.mod_revision) == (first.revision, second.revision)
    assert found.revision == await storage.revision() == second.revision


async def test_a_key_that_is_not_there_is_an_empty_range(storage: Storage) -> None:
    found = await storage.get(b"/nowhere")
    assert (list(found.kvs), found.total) == ([], 0)


async def test_an_old_revision_shows_what_was_there(storage: Storage) -> None:
    first = await storage.write(None, Put(b"/a", b"1"))
    await storage.write(None, Put(b"/a", b"2"))
    gone = await storage.write(None, Delete(b"/a"))
    assert [kv.value for kv in (await storage.get(b"/a", first.revision)).kvs] == [b"1"]
    assert [kv.value for kv in (await storage.get(b"/a", gone.revision - 1)).kvs] == [b"2"]
    assert not (await storage.get(b"/a")).kvs


async def test_a_range_is_in_order_and_its_limit_does_not_change_its_total(storage: Storage) -> None:
    for name in (b"c", b"a", b"d", b"b"):
        await storage.write(None, Put(b"/" + name, name))
    await storage.write(None, Put(b"0", b"outside"))
    page = await storage.range(*ALL, limit=2)
    assert ([kv.key for kv in page.kvs], page.total) == ([b"/a", b"/b"], 4)
    rest = await storage.range(page.kvs[-1].key + b"\0", ALL[1], limit=5, revision=page.revision)
    assert [kv.value for kv in rest.kvs] == [b"c", b"d"]
    assert await storage.count(*ALL) == 4


async def test_keys_only_leaves_values_out(storage: Storage) -> None:
    await storage.write(None, Put(b"/a", b"1"))
    [kv] = (await storage.range(*ALL, keys_only=True)).kvs
    assert (kv.key, kv.value, kv.version) == (b"/a", b"", 1)


async def test_of_many_writers_who_saw_the_same_revision_one_succeeds(storage: Storage) -> None:
    seen = await storage.write(None, Put(b"/a", b"0"))
    answers = await asyncio.gather(
        *(storage.write(If(b"/a", seen.revision), Put(b"/a", str(n).encode())) for n in range(8))
    )
    [winner] = [answer for answer in answers if answer.succeeded]
    for loser in answers:
        if not loser.succeeded:
            assert loser.current is not None and loser.current.mod_revision == winner.revision


async def test_a_create_succeeds_only_where_there_is_nothing(storage: Storage) -> None:
    assert (await storage.write(If(b"/a", 0), Put(b"/a", b"1"))).succeeded
    again = await storage.write(If(b"/a", 0), Put(b"/a", b"2"))
    assert not again.succeeded and again.current is not None and again.current.value == b"1"


async def test_a_compared_delete_of_what_is_gone_fails_and_shows_nothing(storage: Storage) -> None:
    written = await storage.write(None, Put(b"/a", b"1"))
    assert (await storage.write(If(b"/a", written.revision), Delete(b"/a"))).succeeded
    again = await storage.write(If(b"/a", written.revision), Delete(b"/a"))
    assert not again.succeeded and again.current is None


async def test_a_delete_of_nothing_takes_no_revision(storage: Storage) -> None:
    before = await storage.revision()
    answer = await storage.write(None, Delete(b"/nothing"))
    assert (answer.succeeded, answer.revision, await storage.revision()) == (True, before, before)


async def test_a_watch_tells_every_change_of_its_span_with_what_was_before(storage: Storage) -> None:
    start = await storage.revision()
    await storage.write(None, Put(b"/a", b"1"))
    await storage.write(None, Put(b"x", b"outside"))
    await storage.write(None, Put(b"/a", b"2"))
    last = await storage.write(None, Delete(b"/a"))
    batches = await collect(storage, *ALL, start + 1, last.revision)
    assert [batch.revision for batch in batches] == [start + 1, start + 3, start + 4]
    put, again, gone = [event for batch in batches for event in batch.events]
    assert (put.change, put.kv.value, put.previous) == (Change.PUT, b"1", None)
    assert again.previous == put.kv
    assert (gone.change, gone.kv.value, gone.kv.mod_revision, gone.previous) == (
        Change.DELETE, b"", last.revision, again.kv,
    )  # fmt: skip


async def test_a_watch_follows_what_happens_after_it_began(storage: Storage) -> None:
    start = await storage.revision()
    watching = asyncio.create_task(collect(storage, *ALL, start + 1, start + 50))
    for n in range(50):
        await storage.write(None, Put(b"/a", str(n).encode()))
    values = [event.kv.value for batch in await watching for event in batch.events]
    assert values == [str(n).encode() for n in range(50)]


async def test_watchers_of_one_span_all_see_everything(storage: Storage) -> None:
    start = await storage.revision()
    watching = [asyncio.create_task(collect(storage, *ALL, start + 1, start + 20)) for _ in range(10)]
    await asyncio.gather(*(storage.write(None, Put(b"/%d" % n, b"")) for n in range(20)))
    for batches in await asyncio.gather(*watching):
        assert [batch.revision for batch in batches] == list(range(start + 1, start + 21))


async def test_what_was_compacted_can_be_neither_read_nor_watched(storage: Storage) -> None:
    first = await storage.write(None, Put(b"/a", b"1"))
    second = await storage.write(None, Put(b"/a", b"2"))
    await storage.write(None, Put(b"/a", b"3"))
    await storage.compact(second.revision)
    assert [kv.value for kv in (await storage.get(b"/a", second.revision)).kvs] == [b"2"]
    with pytest.raises(Compacted) as read:
        await storage.get(b"/a", first.revision)
    with pytest.raises(Compacted) as watched:
        await collect(storage, *ALL, first.revision, second.revision)
    with pytest.raises(Compacted):
        await storage.compact(second.revision)
    assert read.value.compact_revision == watched.value.compact_revision == second.revision


async def test_a_revision_that_is_not_there_yet_is_refused(storage: Storage) -> None:
    with pytest.raises(FutureRevision):
        await storage.get(b"/a", await storage.revision() + 1)
    with pytest.raises(FutureRevision):
        await storage.compact(await storage.revision() + 1)


async def test_a_revoked_lease_takes_its_keys_along(storage: Storage) -> None:
    lease = await storage.lease(60)
    await storage.write(None, Put(b"/a", b"1", lease))
    await storage.write(None, Put(b"/b", b"2", lease))
    await storage.write(None, Put(b"/b", b"3"))
    before = await storage.revision()
    await storage.revoke(lease)
    assert [kv.key for kv in (await storage.range(*ALL)).kvs] == [b"/b"]
    assert await storage.revision() == before + 1
    with pytest.raises(LeaseNotFound):
        await storage.revoke(lease)
    with pytest.raises(LeaseNotFound):
        await storage.write(None, Put(b"/c", b"", lease))


async def test_a_lease_that_ends_deletes_its_keys(storage: Storage) -> None:
    start = await storage.revision()
    lease = await storage.lease(1)
    await storage.write(None, Put(b"/a", b"1", lease))
    batches = await collect(storage, *ALL, start + 1, start + 2)
    assert [event.change for batch in batches for event in batch.events] == [Change.PUT, Change.DELETE]


async def test_an_empty_key_is_refused(storage: Storage) -> None:
    with pytest.raises(StorageError):
        await storage.write(None, Put(b"", b"1"))
    with pytest.raises(StorageError):
        await storage.get(b"")


async def test_a_closed_storage_ends_its_watches_and_refuses_the_rest(storage: Storage) -> None:
    await storage.write(None, Put(b"/a", b"1"))
    start = await storage.revision()
    seen = asyncio.Event()

    async def watch() -> None:
        async for batch in storage.watch(*ALL, start):
            if batch.events:
                seen.set()

    watching = asyncio.create_task(watch())
    await asyncio.wait_for(seen.wait(), 60)
    await storage.close()
    await asyncio.wait_for(watching, 60)
    with pytest.raises(StorageUnavailable):
        await storage.write(None, Put(b"/a", b"2"))


async def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    storage = EtcdStorage(["127.0.0.1:1"])
    with pytest.raises(StorageUnavailable):
        await storage.get(b"/a")
    with pytest.raises(StorageUnavailable):
        await storage.write(None, Put(b"/a", b"1"))
    with pytest.raises(StorageUnavailable):
        async for _ in storage.watch(*ALL, 1):
            pass
    await storage.close()


async def test_a_client_of_several_servers_goes_on_with_the_next(store_address: str) -> None:
    storage = EtcdStorage(["127.0.0.1:1", f"http://{store_address}"])
    with pytest.raises(StorageUnavailable):
        await storage.revision()
    assert await storage.revision() > 0
    await storage.close()
