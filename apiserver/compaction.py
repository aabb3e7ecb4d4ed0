"""Old revisions are forgotten after five to ten minutes, as kube-apiserver has it."""

import asyncio
import logging

from podling.storage import Storage, StorageError

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 300.0


async def run(storage: Storage, interval_seconds: float = INTERVAL_SECONDS) -> None:
    """Each round compacts to where the store was a round ago."""
    before = 0
    while True:
        try:
            now = await storage.revision()
            if 0 < before < now:
                await storage.compact(before)
                log.info("store compacted revision=%d", before)
            before = now
        except StorageError as error:
            log.warning("store not compacted error=%s", error)
        await asyncio.sleep(interval_seconds)
