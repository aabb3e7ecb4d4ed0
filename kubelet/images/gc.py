"""Which images go when the disk fills. Pure.

    disk used ≥ high threshold     free down to the low one: of what nobody uses the longest unused first
    an image unused for too long   goes in any case, where `imageMaximumGCAge` says so

Never goes: what a container is made of, anybody's, running or not; what was seen first less than the minimum age ago;
what podling did not pull, or what somebody has given a name of their own. A developer's engine is not podling's.
Source: k8s.io/kubernetes/pkg/kubelet/images/image_gc_manager.go.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from kubelet.images.names import in_full
from kubelet.images.service import Disk, StoredImage

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Policy(NamedTuple):
    high_percent: int = 85
    low_percent: int = 80
    minimum_age_seconds: float = 120.0
    maximum_age_seconds: float = 0.0  # 0: none is too old


class Usage(NamedTuple):
    """`used`: when a container of it was seen last."""

    detected: datetime
    used: datetime


Names = Callable[[str], Sequence[str]]  # an image's id to the names by which this kubelet pulled it


def used_percent(disk: Disk) -> int:
    return 100 - int(min(disk.available_bytes, disk.capacity_bytes) * 100 / disk.capacity_bytes)


def bytes_to_free(disk: Disk, policy: Policy) -> int:
    """0 below the high threshold."""
    if used_percent(disk) < policy.high_percent:
        return 0
    return max(0, disk.capacity_bytes * (100 - policy.low_percent) // 100 - disk.available_bytes)


def detected(
    before: Mapping[str, Usage], images: Sequence[StoredImage], now: datetime, first: bool
) -> Mapping[str, Usage]:
    """`before`, with what is there now. `first`: the kubelet has just begun, what it finds is old."""
    found = {}
    for image in images:
        usage = before.get(image.id) or Usage(LONG_AGO if first else now, LONG_AGO)
        found[image.id] = usage._replace(used=now) if image.containers else usage
    return found


def removable(
    images: Sequence[StoredImage], usages: Mapping[str, Usage], names: Names, now: datetime, policy: Policy
) -> Sequence[StoredImage]:
    """Those that may go, the longest unused first."""
    old_enough = now - timedelta(seconds=policy.minimum_age_seconds)
    found = [
        each
        for each in images
        if not each.containers and usages[each.id].detected <= old_enough and _is_ours(each, names(each.id))
    ]
    return sorted(found, key=lambda each: (usages[each.id].used, usages[each.id].detected))


def too_old(
    images: Sequence[StoredImage], usages: Mapping[str, Usage], now: datetime, policy: Policy
) -> Sequence[StoredImage]:
    """Of removable ones."""
    if not policy.maximum_age_seconds:
        return []
    oldest = now - timedelta(seconds=policy.maximum_age_seconds)
    return [each for each in images if max(usages[each.id].used, usages[each.id].detected) <= oldest]


def _is_ours(image: StoredImage, pulled: Sequence[str]) -> bool:
    ours = {in_full(name) for name in pulled}
    return bool(ours) and all("@" in name or in_full(name) in ours for name in image.names)


def failure_message(wanted_bytes: int, found_bytes: int) -> str:
    words = f"Attempted to free {wanted_bytes} bytes, but only found {found_bytes} bytes eligible to free."
    return f"Failed to garbage collect required amount of images. {words}"
