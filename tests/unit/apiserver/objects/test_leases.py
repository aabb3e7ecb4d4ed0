"""Leases of what vanishes by itself, and the rounds of compaction."""

import asyncio

from apiserver.objects import compaction
from apiserver.objects.leases import SHARED_OBJECTS, LeasePool
from podling.loop.clock import FakeClock
from tests.unit.apiserver.memory import MemoryStorage


async def test_objects_share_a_lease_for_a_while_and_up_to_a_number() -> None:
    storage, clock = MemoryStorage(), FakeClock()
    pool = LeasePool(storage, clock)
    assert [await pool.lease(3600) for _ in range(SHARED_OBJECTS + 1)][-2:] == [1, 2]
    await clock.advance(61)
    assert await pool.lease(3600) == 3
    assert await pool.lease(60) == 4
    assert storage.leases == [3660, 3660, 3660, 120]


async def test_a_lease_that_the_store_forgot_is_not_used_again() -> None:
    pool = LeasePool(MemoryStorage(), FakeClock())
    assert await pool.lease(60) == 1
    pool.forget(60)
    assert await pool.lease(60) == 2


async def test_a_store_that_gives_no_lease_keeps_the_object_for_ever() -> None:
    storage = MemoryStorage()
    storage.away = True
    assert await LeasePool(storage, FakeClock()).lease(60) == 0


async def test_each_round_compacts_to_where_the_store_was_a_round_ago() -> None:
    storage = MemoryStorage()
    storage.put(b"a", b"1")
    rounds = asyncio.create_task(compaction.run(storage, 0.001))
    await asyncio.sleep(0)
    storage.put(b"a", b"2")
    await asyncio.wait_for(storage.compacting.wait(), 60)
    rounds.cancel()
    await asyncio.gather(rounds, return_exceptions=True)
    assert storage.compacted == 2
