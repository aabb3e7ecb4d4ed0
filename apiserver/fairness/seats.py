"""How many seats each priority level has: by its shares, and by what the others lend. Pure.

    the server's seats ── divided by shares ──▶ nominal
    nominal - what it lends ≤ seats now ≤ nominal + what it may borrow, as much as each has lately wanted

Source: k8s.io/apiserver/pkg/util/flowcontrol/{apf_controller,conc_alloc}.go.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

Object = dict[str, Any]

HIGHEST_PART = 0.15  # of a level's seats that one request may take
MOST_A_REQUEST = 10
OBJECTS_A_SEAT = 100


class Limits(NamedTuple):
    nominal: int
    least: int
    most: int


class Demand(NamedTuple):
    """`wanted`: the most seats that were in use or waited for, of late."""

    limits: Limits
    wanted: float


def limits(total: int, specs: Sequence[Object]) -> list[Limits]:
    """Of each level, by its spec, where all of them share `total` seats."""
    parts = [spec.get("exempt" if spec.get("type") == "Exempt" else "limited") or {} for spec in specs]
    shares = [part.get("nominalConcurrencyShares") or 0 for part in parts]
    found = []
    for part, share in zip(parts, shares, strict=True):
        nominal = math.ceil(total * share / (sum(shares) or 1))
        lent = round(nominal * (part.get("lendablePercent") or 0) / 100)
        borrowing = part.get("borrowingLimitPercent")
        most = total if borrowing is None else nominal + round(nominal * borrowing / 100)
        found.append(Limits(nominal, nominal - lent, max(most, nominal)))
    return found


def divide(total: int, demands: Sequence[Demand]) -> list[int]:
    """Seats of each level now: first what it wants and cannot be lent away, then the rest in proportion to demand."""
    least = [max(each.limits.least, min(each.limits.nominal, each.wanted)) for each in demands]
    if not demands or sum(least) >= total:
        return [round(each) for each in least]
    targets = [max(low, each.wanted, 1e-3) for low, each in zip(least, demands, strict=True)]

    def given(factor: float) -> list[float]:
        rows = zip(targets, least, demands, strict=True)
        return [max(low, min(factor * target, each.limits.most)) for target, low, each in rows]

    low, high = 0.0, total / min(targets)
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(given(middle)) < total else (low, middle)
    return [max(1, round(each)) for each in given(high)]


def of_list(objects: int, limit: int) -> int:
    """What a list of so many objects counts, at most `limit` of them (0: all) being answered."""
    return max(1, math.ceil((min(objects, limit) if limit > 0 else objects) / OBJECTS_A_SEAT))


def at_most(nominal: int) -> int:
    """The widest that one request of a level may be."""
    return max(1, min(MOST_A_REQUEST, math.ceil(nominal * HIGHEST_PART)))
