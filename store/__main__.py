"""`python -m store FOLDER [ADDRESS]`: the store alone, without the command line."""

import asyncio
import logging
import signal
import sys
from pathlib import Path

import uvloop

from store.service import Config, run


async def main(folder: Path, address: str) -> None:
    """Serve until SIGINT or SIGTERM."""
    task = asyncio.ensure_future(run(Config(folder, address)))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else Config.listen))
