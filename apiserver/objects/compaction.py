"""Old revisions are forgotten after five to ten minutes, as kube-apiserver has it (`--etcd-compaction-interval`)."""

import asyncio
import logging

from podling.storage import Storage, StorageError

log = logging.getLogger(__name__)


async def run(storage: Storage, interval_seconds: float) -> None:
    """Each round compacts to where the store was a round ago; 0 seconds: never."""
    before = 0
    while interval_seconds:
        try:
            now = await storage.revision()
            if 0 < before < now:
                await storage.compact(before)
                log.info("store compacted revision=%d", before)
            before = now
        except StorageError as error:
            log.warning("store not compacted error=%s", error)
        await asyncio.sleep(interval_seconds)
