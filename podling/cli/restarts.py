"""When a service that ended is started again. Pure.

lived long enough ──▶ counts as the first end again
1st end ─ 0.1 s ─▶ 2nd ─ 0.5 s ─▶ 3rd ─ 1 s ─▶ … doubling to 30 s
"""

from typing import NamedTuple

DELAYS_SECONDS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
HEALTHY_AFTER_SECONDS = 60.0


class Restart(NamedTuple):
    """`ends` is how many quick ends there have been in a row, this one included."""

    after_seconds: float
    ends: int


def next_restart(ends_before: int, lived_seconds: float) -> Restart:
    ends = 1 if lived_seconds >= HEALTHY_AFTER_SECONDS else ends_before + 1
    return Restart(DELAYS_SECONDS[min(ends, len(DELAYS_SECONDS)) - 1], ends)
