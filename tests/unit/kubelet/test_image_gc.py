"""Which images go, and what the node does and says about it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubelet.fake import FakeRuntime
from kubelet.images import gc as image_gc
from kubelet.images.collector import ImageCollector
from kubelet.images.gc import LONG_AGO, Policy, Usage
from kubelet.images.names import tagged
from kubelet.images.pulled import PulledImages
from kubelet.images.service import Disk, StoredImage
from kubelet.runtime import ImageSeen
from podling.loop.clock import FakeClock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("available", "wanted"), [(500, 0), (160, 0), (159, 41), (150, 50), (100, 100), (0, 200), (2000, 0)]
)
def test_over_the_high_threshold_the_disk_is_freed_down_to_the_low_one(available: int, wanted: int) -> None:
    assert image_gc.bytes_to_free(Disk(1000, available), Policy()) == wanted


def stored(name: str, *more: str, containers: int = 0) -> StoredImage:
    return StoredImage(f"sha256:{name}", [f"{name}:latest", *more], 10, containers)


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


IMAGES = [
    stored("used", containers=1),
    stored("late", "late@sha256:1"),
    stored("early"),
    stored("young"),
    stored("built"),
    stored("shared", "mine:dev"),
    stored("never"),
]
USAGES = {
    "sha256:used": Usage(LONG_AGO, NOW),
    "sha256:late": Usage(LONG_AGO, minutes_ago(3)),
    "sha256:early": Usage(LONG_AGO, minutes_ago(60)),
    "sha256:young": Usage(minutes_ago(1), LONG_AGO),
    "sha256:built": Usage(LONG_AGO, LONG_AGO),
    "sha256:shared": Usage(LONG_AGO, LONG_AGO),
    "sha256:never": Usage(minutes_ago(5), LONG_AGO),
}


def pulled(id: str) -> list[str]:
    name = id.removeprefix("sha256:")
    return [] if name == "built" else [f"docker.io/library/{name}:latest"]


def test_what_nobody_uses_goes_the_longest_unused_first() -> None:
    found = image_gc.removable(IMAGES, USAGES, pulled, NOW, Policy())
    assert [each.id for each in found] == ["sha256:never", "sha256:early", "sha256:late"]
    old = image_gc.too_old(found, USAGES, NOW, Policy(maximum_age_seconds=1800))
    assert [each.id for each in old] == ["sha256:early"]
    assert not image_gc.too_old(found, USAGES, NOW, Policy())


def test_what_the_kubelet_finds_at_its_start_is_old_and_what_comes_later_is_not() -> None:
    first = image_gc.detected({}, [stored("a"), stored("b", containers=2)], NOW, True)
    assert first == {"sha256:a": Usage(LONG_AGO, LONG_AGO), "sha256:b": Usage(LONG_AGO, NOW)}
    later = NOW + timedelta(minutes=5)
    assert image_gc.detected(first, [stored("b"), stored("c")], later, False) == {
        "sha256:b": Usage(LONG_AGO, NOW),
        "sha256:c": Usage(later, LONG_AGO),
    }


class World:
    """An engine whose disk of 1000 bytes is full of images of 100."""

    def __init__(self, folder: Path, *names: str, available: int = 0) -> None:
        self.clock = FakeClock()
        self.engine = FakeRuntime(self.clock)
        self.engine.disk = Disk(1000, available)
        self.pulled = PulledImages(folder)
        self.told: list[tuple[str, str]] = []
        for name in names:
            self.engine.images[name] = ImageSeen(f"sha256:{name}", "", 100)
            self.pulled.note(f"sha256:{name}", name, tagged(name), None)
        self.collector = ImageCollector(
            self.engine,
            self.pulled,
            self.clock,
            policy=Policy(),
            tell=lambda type_, reason, message: self.told.append((reason, message)),
        )


async def test_only_as_much_goes_as_must(tmp_path: Path) -> None:
    world = World(tmp_path, "a", "b", "c", available=100)
    world.engine.images["built"] = ImageSeen("sha256:built", "", 100)
    await world.collector.collect()
    assert len(world.engine.images) == 3 and "built" in world.engine.images and not world.told
    await world.collector.collect()
    assert len(world.engine.images) == 3, "below the threshold nothing goes"
    assert len(world.pulled.ids()) == 2, "what is gone is forgotten"


async def test_what_does_not_suffice_is_told_and_again_as_a_failure(tmp_path: Path) -> None:
    world = World(tmp_path, "a")
    await world.collector.collect()
    words = "Attempted to free 200 bytes, but only found 100 bytes eligible to free."
    message = f"Failed to garbage collect required amount of images. {words}"
    assert world.told == [("FreeDiskSpaceFailed", message)] and not world.engine.images
    await world.collector.collect()
    assert [reason for reason, _ in world.told] == ["FreeDiskSpaceFailed", "FreeDiskSpaceFailed", "ImageGCFailed"]


async def test_a_disk_without_a_size_or_elsewhere_is_not_collected(tmp_path: Path) -> None:
    world = World(tmp_path, "a")
    world.engine.disk = Disk(0, 0)
    await world.collector.collect()
    assert [reason for reason, _ in world.told] == ["InvalidDiskCapacity"]
    world.engine.disk = None
    await world.collector.collect()
    assert world.engine.images


async def test_in_need_everything_unused_goes(tmp_path: Path) -> None:
    world = World(tmp_path, "a", "b", available=900)
    world.engine.images["built"] = ImageSeen("sha256:built", "", 100)
    assert await world.collector.delete_unused() == 200
    assert list(world.engine.images) == ["built"]
