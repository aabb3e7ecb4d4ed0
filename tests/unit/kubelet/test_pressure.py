"""Thresholds, what is measured, and the conditions that follow."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelet.configuration import Configuration, configuration
from kubelet.node.pressure import CALM, Pressure, Watch, judge
from kubelet.node.signals import observe
from kubelet.node.thresholds import Observation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GI = 1 << 30


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def look(settings: Configuration, watch: Watch, at: float, **free: int) -> Watch:
    """Of 10 Gi memory and 100 Gi disk."""
    names = {"memory": ("memory.available", 10 * GI), "disk": ("nodefs.available", 100 * GI)}
    seen = {names[name][0]: Observation(left, names[name][1]) for name, left in free.items()}
    return judge(watch, settings.thresholds, seen, later(at), 60)


HARD = configuration({"evictionHard": {"memory.available": "1Gi", "nodefs.available": "10%"}})


def test_a_threshold_that_is_crossed_is_acted_upon_at_once() -> None:
    calm = look(HARD, Watch(), 0, memory=GI, disk=10 * GI)
    assert (calm.pressure, calm.due) == (CALM, [])
    short = look(HARD, calm, 10, memory=GI - 1, disk=10 * GI)
    assert short.pressure == Pressure(memory=True) and [each.signal for each in short.due] == ["memory.available"]


def test_memory_is_seen_to_before_disks() -> None:
    short = look(HARD, Watch(), 0, disk=0, memory=0)
    assert [each.resource for each in short.due] == ["memory", "ephemeral-storage"]
    assert short.pressure.conditions == ["MemoryPressure", "DiskPressure"]


def test_a_condition_stays_for_its_transition_period() -> None:
    watch = look(HARD, Watch(), 0, memory=0)
    watch = look(HARD, watch, 59, memory=5 * GI)
    assert watch.pressure.memory and not watch.due
    watch = look(HARD, watch, 60, memory=5 * GI)
    assert watch.pressure == CALM


SOFT = configuration(
    {
        "evictionHard": {},
        "evictionSoft": {"memory.available": "2Gi"},
        "evictionSoftGracePeriod": {"memory.available": "30s"},
    }
)


def test_a_soft_threshold_is_acted_upon_after_its_grace_period() -> None:
    watch = look(SOFT, Watch(), 0, memory=GI)
    assert watch.pressure.memory and not watch.due
    watch = look(SOFT, watch, 29, memory=GI)
    assert not watch.due
    assert look(SOFT, watch, 30, memory=GI).due
    watch = look(SOFT, watch, 30, memory=3 * GI)
    assert not look(SOFT, watch, 40, memory=GI).due, "the period begins anew"


def test_what_is_reclaimed_must_be_worth_it() -> None:
    greedy = configuration(
        {"evictionHard": {"memory.available": "1Gi"}, "evictionMinimumReclaim": {"memory.available": "500Mi"}}
    )
    watch = look(greedy, Watch(), 0, memory=GI - 1)
    watch = look(greedy, watch, 10, memory=GI + (499 << 20))
    assert watch.due
    assert not look(greedy, watch, 20, memory=GI + (500 << 20)).due


@pytest.mark.parametrize("text", ["0%", "100%"])
def test_a_threshold_of_nothing_or_all_is_none(text: str) -> None:
    assert configuration({"evictionHard": {"memory.available": text}}).thresholds == []


def test_what_cannot_be_measured_crosses_nothing() -> None:
    assert look(HARD, Watch(), 0) == Watch(due=[])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2 * GI)), max_size=20))
def test_pressure_holds_exactly_as_long_as_it_was_seen_and_the_period_after(steps: list[tuple[int, int]]) -> None:
    watch, at, last_short = Watch(), 0, None
    for wait, free in steps:
        at += wait
        watch = look(HARD, watch, at, memory=free)
        last_short = at if free < GI else last_short
        assert watch.pressure.memory == (last_short is not None and at - last_short < 60)
        assert bool(watch.due) == (free < GI)


def test_this_machine_can_be_measured(tmp_path: Path) -> None:
    found = observe(tmp_path, str(tmp_path))
    assert found.keys() >= {"memory.available", "nodefs.available", "imagefs.available", "pid.available"}
    assert all(0 < each.available <= each.capacity for each in found.values())


def test_what_a_machine_does_not_tell_is_left_out(tmp_path: Path) -> None:
    assert observe(tmp_path / "none", "", proc=tmp_path) == {}
    (tmp_path / "meminfo").write_text("MemTotal: 4 kB\nMemAvailable: 3 kB\n")
    assert observe(tmp_path / "none", "", proc=tmp_path) == {"memory.available": Observation(3 << 10, 4 << 10)}
