import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from podling.storage import Change, StorageUnavailable
from store.engine import DATABASE, Engine
from store.errors import NoSpace, Stopped
from store.ops import Comparison, DeleteOp, PutOp, RangeOp, Relation, Subject, TxnOp
from store.watch import Span


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
def full_disk(engine: Engine) -> Iterator["Disk"]:
    disk = Disk(engine)
    yield disk
    disk.free()


class Disk:
    """SQLite itself is told how many pages it may have, so the refusal is its own."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine._log._connection

    def fill(self) -> None:
        self._connection.execute("PRAGMA max_page_count = 1")

    def free(self) -> None:
        self._connection.execute("PRAGMA max_page_count = 1000000")


def values(engine: Engine) -> dict[bytes, bytes]:
    return {kv.key: kv.value for kv in engine.read(RangeOp(b"\0", b"\0")).kvs}


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    engine = await Engine.open(tmp_path)
    for n in range(10):
        await engine.put(PutOp(b"a", b"%d" % n))
    lease, _ = await engine.grant(1000)
    await engine.put(PutOp(b"leased", b"1", lease))
    await engine.delete(DeleteOp(b"a"))
    await engine.compact(8)
    who = (engine.cluster, engine.member)
    await engine.close()
    engine = await Engine.open(tmp_path)
    assert (engine.revision, engine.keys.compacted, (engine.cluster, engine.member)) == (13, 8, who)
    assert values(engine) == {b"leased": b"1"}
    assert engine.read(RangeOp(b"a", revision=8)).kvs[0].value == b"6"
    assert engine.lease(lease).keys == [b"leased"]
    watcher = engine.watch(Span(b"a"), 9, lambda: None)
    events = [event for delivery in watcher.take(100) for event in delivery.events]
    assert [event.kv.mod_revision for event in events] == [9, 10, 11, 13]
    assert events[-1].change is Change.DELETE and events[-1].previous == events[-2].kv
    await engine.close()


async def test_a_compaction_takes_the_rows_off_the_disk(tmp_path: Path) -> None:
    engine = await Engine.open(tmp_path)
    for n in range(30):
        await engine.put(PutOp(b"%d" % (n % 3), b"%d" % n))
    await engine.delete(DeleteOp(b"0"))
    await engine.put(PutOp(b"z", b""))
    await engine.compact(engine.revision, physical=True)
    await engine.close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        rows = database.execute("SELECT key FROM changes ORDER BY key").fetchall()
    database.close()
    assert rows == [(b"1",), (b"2",), (b"z",)]


async def test_writers_that_wait_together_share_commits(engine: Engine) -> None:
    said: list[str] = []
    engine._log._connection.set_trace_callback(said.append)
    await asyncio.gather(*(engine.put(PutOp(b"%d" % n, b"")) for n in range(100)))
    assert engine.revision == 101 and said.count("COMMIT") <= 2


async def test_nobody_reads_what_the_disk_does_not_have(engine: Engine) -> None:
    await engine.put(PutOp(b"a", b"1"))
    writing = asyncio.create_task(engine.put(PutOp(b"a", b"2")))
    await asyncio.sleep(0)
    assert engine.keys.revision == 3 and values(engine) == {b"a": b"1"}
    await writing
    assert values(engine) == {b"a": b"2"}


async def test_a_failed_comparison_is_answered_after_the_write_that_it_saw(engine: Engine) -> None:
    order: list[str] = []

    async def put() -> None:
        await engine.put(PutOp(b"a", b"1"))
        order.append("put")

    async def create() -> None:
        absent = Comparison(b"a", Subject.MOD, Relation.EQUAL, 0)
        answer = await engine.txn(TxnOp([absent], [PutOp(b"a", b"2")], []))
        assert not answer.succeeded
        order.append("create")

    await asyncio.gather(put(), create())
    assert order == ["put", "create"]


async def test_a_full_disk_refuses_the_write_loses_nothing_and_recovers(engine: Engine, full_disk: Disk) -> None:
    await engine.put(PutOp(b"a", b"kept"))
    full_disk.fill()
    big = b"x" * 100_000
    outcomes = await asyncio.gather(
        engine.put(PutOp(b"a", big)),
        engine.put(PutOp(b"b", big)),
        engine.delete(DeleteOp(b"a")),
        engine.grant(60),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, NoSpace) for outcome in outcomes)
    assert "full" in engine.refusal
    assert (values(engine), engine.revision, list(engine.leases)) == ({b"a": b"kept"}, 2, [])
    full_disk.free()
    assert (await engine.put(PutOp(b"b", big))).revision == 3
    assert values(engine) == {b"a": b"kept", b"b": big} and engine.refusal == ""


async def test_a_lease_whose_end_the_disk_refused_ends_later(engine: Engine, full_disk: Disk) -> None:
    lease, _ = await engine.grant(1000)
    await engine.put(PutOp(b"a", b"1", lease))
    full_disk.fill()
    refused = asyncio.create_task(engine.put(PutOp(b"big", b"x" * 100_000)))
    revoking = asyncio.create_task(engine.revoke(lease))
    outcomes = await asyncio.gather(refused, revoking, return_exceptions=True)
    assert all(isinstance(outcome, NoSpace) for outcome in outcomes)
    assert lease in engine.leases and engine.lease(lease).keys == [b"a"]
    full_disk.free()
    await engine.revoke(lease)
    assert values(engine) == {} and lease not in engine.leases


async def test_an_expired_lease_deletes_its_keys_in_one_revision(engine: Engine) -> None:
    lease, _ = await engine.grant(1)
    for key in (b"a", b"b"):
        await engine.put(PutOp(key, b"", lease))
    woken = asyncio.Event()
    watcher = engine.watch(Span(b"\0", b"\0"), 0, woken.set)
    assert watcher.take(9) == []
    await asyncio.wait_for(woken.wait(), 60)
    [delivery] = watcher.take(9)
    assert [(event.change, event.kv.key) for event in delivery.events] == [
        (Change.DELETE, b"a"),
        (Change.DELETE, b"b"),
    ]


async def test_a_second_process_cannot_open_the_same_store(engine: Engine) -> None:
    with pytest.raises(StorageUnavailable, match="locked"):
        await Engine.open(engine.path.parent)


async def test_what_is_no_database_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"something else" * 100)
    with pytest.raises(StorageUnavailable, match="not a database"):
        await Engine.open(tmp_path)


async def test_a_write_cancelled_by_its_caller_happens_anyway(engine: Engine) -> None:
    writing = asyncio.create_task(engine.put(PutOp(b"a", b"1")))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await engine.put(PutOp(b"b", b"2"))
    assert values(engine) == {b"a": b"1", b"b": b"2"}


async def test_closing_finishes_what_was_begun_and_refuses_the_rest(tmp_path: Path) -> None:
    engine = await Engine.open(tmp_path)
    writing = [asyncio.create_task(engine.put(PutOp(b"%d" % n, b""))) for n in range(20)]
    await asyncio.sleep(0)
    await engine.close()
    assert [(await each).revision for each in writing] == list(range(2, 22))
    with pytest.raises(Stopped):
        await engine.put(PutOp(b"a", b""))
    with pytest.raises(Stopped):
        engine.read(RangeOp(b"a"))
