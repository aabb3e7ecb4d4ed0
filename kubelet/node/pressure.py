"""Which thresholds are crossed, since when, and what conditions the node has for it. Pure.

    observed < threshold        the condition holds at once, and for `transition_seconds` after it was last seen
    … for its grace period      pods may be evicted for it

Source: k8s.io/kubernetes/pkg/kubelet/eviction/eviction_manager.go: synchronize.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from kubelet.node.thresholds import SIGNALS, Observation, Threshold


class Pressure(NamedTuple):
    memory: bool = False
    disk: bool = False
    pid: bool = False

    @property
    def conditions(self) -> Sequence[str]:
        pairs = zip(("MemoryPressure", "DiskPressure", "PIDPressure"), self, strict=True)
        return [name for name, holds in pairs if holds]


CALM = Pressure()


@dataclass(frozen=True)
class Watch:
    """What is kept between two observations. `due`: thresholds met for their grace period, to be acted upon, the most
    urgent first."""

    since: Mapping[Threshold, datetime] = field(default_factory=dict)
    last_seen: Mapping[str, datetime] = field(default_factory=dict)
    due: Sequence[Threshold] = ()
    pressure: Pressure = CALM


def judge(
    before: Watch,
    thresholds: Iterable[Threshold],
    seen: Mapping[str, Observation],
    now: datetime,
    transition_seconds: float,
) -> Watch:
    """`seen` by signal; what cannot be measured is not there, and crosses nothing."""
    met = [
        each
        for each in thresholds
        if each.signal in seen and each.is_met(seen[each.signal], was_met=each in before.due)
    ]
    since = {each: before.since.get(each, now) for each in met}
    last_seen = {**before.last_seen, **{each.condition: now for each in met}}
    holding = {name for name, at in last_seen.items() if (now - at).total_seconds() < transition_seconds or at == now}
    due = [each for each in met if (now - since[each]).total_seconds() >= (each.grace_seconds or 0)]
    return Watch(
        since=since,
        last_seen={name: at for name, at in last_seen.items() if name in holding},
        due=sorted(due, key=lambda each: list(SIGNALS).index(each.signal)),
        pressure=Pressure("MemoryPressure" in holding, "DiskPressure" in holding, "PIDPressure" in holding),
    )
