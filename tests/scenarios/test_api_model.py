"""Writers, watchers that come back and readers by pages on one kind, all at once, and an API server that is killed
among them: what they were told fits what happened. `api_model/check.py` says what that means.

At full size, by hand:

    python -m tests.scenarios.test_api_model --writers 1000 --watchers 600 --readers 400 --seed 1
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.scenarios.api_model.check import faults
from tests.scenarios.api_model.clients import Clients
from tests.scenarios.api_model.history import History
from tests.scenarios.api_model.server import Server

NAMESPACES = ("default", "kube-public")


class Size(NamedTuple):
    writers: int
    watchers: int
    readers: int
    operations: int  # of each writer
    objects: int
    kills: int
    seed: int


async def play(size: Size, folder: Path) -> tuple[History, list[str]]:
    server, history = Server(folder), History()
    try:
        await server.start()
        names = [f"d{number}" for number in range(size.objects // len(NAMESPACES))]
        keys = [f"{namespace}/{name}" for namespace in NAMESPACES for name in names]
        clients = Clients(server, history, keys, size.seed)
        async with asyncio.TaskGroup() as others:
            for _ in range(size.readers):
                others.create_task(clients.read())
            for _ in range(size.watchers):
                others.create_task(clients.watch())
            others.create_task(killing(server, clients, size))
            async with asyncio.TaskGroup() as writers:
                for _ in range(size.writers):
                    writers.create_task(clients.write(size.operations))
            await end(clients)
    finally:
        await server.stop()
    return history, faults(history, await server.truth())


async def killing(server: Server, clients: Clients, size: Size) -> None:
    """At equal parts of the work, whatever goes on."""
    total = size.writers * size.operations
    for kill in range(1, size.kills + 1):
        await clients.until_written(total * kill // (size.kills + 1))
        await server.kill()
        await server.start()


async def end(clients: Clients) -> None:
    """Tell everybody that the last write is written."""
    while (listed := await clients.list(clients.selections[0], 0)) is None or listed.exact or not listed.least:
        pass
    clients.end = listed.pages[0].revision
    clients.quiet.set()


async def test_what_clients_are_told_fits_what_happened(tmp_path: Path) -> None:
    history, found = await play(Size(60, 40, 12, 8, 24, 1, 1), tmp_path)
    counts = history.counts()
    assert found == [], counts
    assert min(counts[name] for name in ("writes", "refused", "gets", "lists", "pages", "events")) > 50, counts
    assert counts["watches that had to list again"] > 0, counts


def main() -> None:
    parser = argparse.ArgumentParser(description="The API against its model.")
    for name, default in Size(1000, 600, 400, 6, 200, 1, 1)._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=default)
    size = Size(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="podling-model-") as folder:
        started = time.monotonic()
        history, found = asyncio.run(play(size, Path(folder)))
    print(f"{size}\n{history.counts()}\n{time.monotonic() - started:.1f} s")
    print("\n".join(found) or "no faults")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
