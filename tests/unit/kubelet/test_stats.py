"""On a clock that stands still: rates between two looks."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from kubelet.cgroups.stats import Look, Stats, rates
from kubelet.cgroups.usage import Usage
from kubelet.docker.usage import Reading
from kubelet.runtime import PodRef
from podling.loop.clock import FakeClock, settle

REF = PodRef("u1", "default", "web")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = 1_000_000_000


def reading(cpu: int, memory: int = 0, started_at: datetime = START) -> Reading:
    return Reading(REF, "app", started_at, Usage(cpu, memory + 5, memory))


def look(seconds: float, node: int = 0, **readings: Reading) -> Look:
    return Look(START + timedelta(seconds=seconds), Usage(node), readings)


def test_half_a_core_over_ten_seconds() -> None:
    found = rates(look(10, a=reading(2 * SECOND)), look(20, a=reading(7 * SECOND, 64)))
    [only] = found.containers
    assert (only.ref, only.name) == (REF, "app")
    assert (only.rate.cpu_nanocores, only.rate.memory_bytes, only.rate.window_seconds) == (SECOND // 2, 64, 10)


def test_what_started_between_two_looks_is_measured_from_its_start() -> None:
    born = START + timedelta(seconds=18)
    [only] = rates(look(10), look(20, a=reading(SECOND, 0, born))).containers
    assert (only.rate.cpu_nanocores, only.rate.window_seconds) == (SECOND // 2, 2)


def test_what_has_ended_is_left_out_and_a_counter_that_went_back_is_no_use() -> None:
    found = rates(look(10, 5 * SECOND, a=reading(SECOND)), look(20, 4 * SECOND))
    assert not found.containers and found.node.cpu_nanocores == 0


class Machine:
    """Each look finds one second more of CPU."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.looks = 0
        self.stats = Stats(self.look, self.clock)

    async def look(self) -> tuple[Usage, Mapping[str, Reading]]:
        self.looks += 1
        return Usage(self.looks * SECOND), {"a": reading(self.looks * SECOND, started_at=START)}


async def test_the_first_to_ask_waits_for_a_second_look() -> None:
    machine = Machine()
    asked = asyncio.ensure_future(machine.stats.rates())
    await settle()
    assert not asked.done() and machine.looks == 1
    await machine.clock.advance(1)
    assert (await asked).node.cpu_nanocores == SECOND and machine.looks == 2


async def test_who_asks_again_is_answered_at_once_and_who_asks_at_once_gets_the_same() -> None:
    machine = Machine()
    first, second = (asyncio.ensure_future(machine.stats.rates()) for _ in range(2))
    await settle()
    await machine.clock.advance(1)
    assert await first == await second and machine.looks == 2
    await machine.clock.advance(14)
    later = await machine.stats.rates()
    assert machine.looks == 3 and later.node.window_seconds == 15


async def test_a_look_of_long_ago_makes_no_rate() -> None:
    machine = Machine()
    asked = asyncio.ensure_future(machine.stats.rates())
    await settle()
    await machine.clock.advance(1)
    await asked
    await machine.clock.advance(600)
    again = asyncio.ensure_future(machine.stats.rates())
    await settle()
    assert not again.done()
    await machine.clock.advance(1)
    assert (await again).node.window_seconds == 1
