"""Collects images: every five minutes when the disk is full, and at once when the node needs room.

`kubelet.images.gc` decides; here it is done, and told in the node's Events when it does not suffice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from kubelet.images import gc as image_gc
from kubelet.images.gc import Policy, Usage
from kubelet.images.pulled import PulledImages
from kubelet.images.service import ImageService, StoredImage
from kubelet.runtime import RuntimeUnavailable
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
PERIOD_SECONDS = 300.0
Tell = Callable[[str, str, str], None]  # type, reason, message: an Event of the node


class ImageCollector:
    def __init__(
        self, service: ImageService, pulled: PulledImages, clock: Clock, *, policy: Policy, tell: Tell
    ) -> None:
        self._images, self._pulled, self._clock = service, pulled, clock
        self._policy, self._tell = policy, tell
        self._usages: Mapping[str, Usage] = {}
        self._first = True
        self._failed_before = False

    async def run(self) -> None:
        while True:
            try:
                await self.collect()
            except RuntimeUnavailable as error:
                log.info("images not collected error=%s", error)
            await self._clock.sleep(PERIOD_SECONDS)

    async def collect(self) -> None:
        """What the thresholds ask for. Errors: RuntimeUnavailable."""
        images = await self._detect()
        await self._remove(image_gc.too_old(images, self._usages, self._clock.now(), self._policy))
        disk = await self._images.image_disk()
        if disk is None:
            return
        failure = ""
        if not disk.capacity_bytes:
            failure = "invalid capacity 0 on image filesystem"
            self._tell("Warning", "InvalidDiskCapacity", failure)
        elif wanted := image_gc.bytes_to_free(disk, self._policy):
            used, high = image_gc.used_percent(disk), self._policy.high_percent
            log.info("disk over the threshold used_percent=%s high_percent=%s free_bytes=%s", used, high, wanted)
            freed = await self._remove(await self._detect(), wanted)
            if freed < wanted:
                failure = image_gc.failure_message(wanted, freed)
                self._tell("Warning", "FreeDiskSpaceFailed", failure)
        if failure and self._failed_before:
            self._tell("Warning", "ImageGCFailed", failure)
        self._failed_before = bool(failure)

    async def delete_unused(self) -> int:
        """All that may go; the bytes that were freed. Errors: RuntimeUnavailable."""
        return await self._remove(await self._detect())

    async def _detect(self) -> Sequence[StoredImage]:
        """What may go, the longest unused first."""
        recorded = self._pulled.ids()  # before the list is made: a pull may end meanwhile
        images, now = await self._images.stored_images(), self._clock.now()
        self._usages, self._first = image_gc.detected(self._usages, images, now, self._first), False
        self._pulled.forget(recorded - {each.id for each in images})
        return image_gc.removable(images, self._usages, self._pulled.names, now, self._policy)

    async def _remove(self, images: Sequence[StoredImage], enough_bytes: int | None = None) -> int:
        freed = 0
        for image in images:
            if enough_bytes is not None and freed >= enough_bytes:
                break
            if all([await self._images.remove_image(name) for name in self._pulled.names(image.id)]):
                log.info("image collected image=%s id=%s bytes=%s", ",".join(image.names), image.id, image.size_bytes)
                freed += image.size_bytes
        return freed
