"""How much of what must stay free: `memory.available<100Mi`, `nodefs.available<10%`. Pure.

A signal is what is measured, a threshold how little of it is too little; hard ones hold at once, soft ones after their
grace period. Source: k8s.io/kubernetes/pkg/kubelet/eviction/{helpers,api/types}.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from podling.api.quantity import Quantity, QuantityError, parse


class Signal(NamedTuple):
    """`resource` is what pods use up, `condition` what the node is said to have."""

    resource: str
    condition: str


SIGNALS = {  # in the order in which they are seen to: memory first
    "memory.available": Signal("memory", "MemoryPressure"),
    "nodefs.available": Signal("ephemeral-storage", "DiskPressure"),
    "nodefs.inodesFree": Signal("inodes", "DiskPressure"),
    "imagefs.available": Signal("ephemeral-storage", "DiskPressure"),
    "imagefs.inodesFree": Signal("inodes", "DiskPressure"),
    "pid.available": Signal("pids", "PIDPressure"),
}
DISABLED = ("0%", "100%")


class ThresholdError(ValueError):
    """The message is Kubernetes'."""


class Observation(NamedTuple):
    """Bytes, inodes or process ids."""

    available: int
    capacity: int


class Amount(NamedTuple):
    """So much, or such a part of the whole."""

    quantity: Quantity | None = None
    fraction: float = 0.0

    def of(self, capacity: int) -> Quantity:
        return self.quantity or amount(int(capacity * self.fraction))


NOTHING = Amount()


@dataclass(frozen=True)
class Threshold:
    """`grace_seconds` None is a hard threshold. Once met it stays so until `min_reclaim` more is free."""

    signal: str
    least: Amount
    grace_seconds: float | None = None
    min_reclaim: Amount = NOTHING

    @property
    def resource(self) -> str:
        return SIGNALS[self.signal].resource

    @property
    def condition(self) -> str:
        return SIGNALS[self.signal].condition

    def is_met(self, seen: Observation, *, was_met: bool = False) -> bool:
        least = self.least.of(seen.capacity).value
        if was_met:
            least += self.min_reclaim.of(seen.capacity).value
        return seen.available < least


def amount(value: int) -> Quantity:
    """Whole units, written with binary suffixes."""
    return Quantity(value * 10**9, "binary")


def parse_thresholds(
    hard: Mapping[str, str],
    soft: Mapping[str, str],
    grace_seconds: Mapping[str, float],
    min_reclaim: Mapping[str, str],
) -> Sequence[Threshold]:
    """Errors: ThresholdError."""
    for signal in (*grace_seconds, *min_reclaim):
        _check(signal)
    found = [Threshold(signal, least) for signal, least in _amounts(hard)]
    for signal, least in _amounts(soft):
        if signal not in grace_seconds:
            raise ThresholdError(f"grace period must be specified for the soft eviction threshold {signal}")
        found.append(Threshold(signal, least, grace_seconds[signal]))
    reclaims = dict(_amounts(min_reclaim))
    return [
        Threshold(each.signal, each.least, each.grace_seconds, reclaims.get(each.signal, each.min_reclaim))
        for each in found
    ]


def _amounts(given: Mapping[str, str]) -> Sequence[tuple[str, Amount]]:
    for signal in given:
        _check(signal)
    return [(signal, _amount(signal, text)) for signal, text in given.items() if text not in DISABLED]


def _check(signal: str) -> None:
    if signal not in SIGNALS:
        raise ThresholdError(f"unsupported eviction signal {signal}; there are {', '.join(SIGNALS)}")


def _amount(signal: str, text: str) -> Amount:
    try:
        if text.endswith("%"):
            fraction = float(text.removesuffix("%")) / 100
            if not 0 < fraction < 1:
                raise ThresholdError(f"eviction percentage threshold {signal} must be between 0 and 100: {text}")
            return Amount(fraction=fraction)
        quantity = parse(text)
    except QuantityError as error:
        raise ThresholdError(f"eviction threshold {signal}: {text}: {error}") from None
    except ValueError as error:
        if isinstance(error, ThresholdError):
            raise
        raise ThresholdError(f"eviction threshold {signal} is no percentage: {text}") from None
    if quantity.nanos <= 0:
        raise ThresholdError(f"eviction threshold {signal} must be positive: {text}")
    return Amount(quantity)
