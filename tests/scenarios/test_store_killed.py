"""The store is killed under load, again and again: no acknowledged write is lost, no transaction is half there.

`PODLING_KILLS` says how often.
"""

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from podling.client.etcd import EtcdStorage
from podling.storage import If, Put, StorageUnavailable
from store.engine import Engine
from store.ops import PutOp, RangeOp, TxnOp

KILLS = int(os.environ.get("PODLING_KILLS", "25"))

WRITER = """
import asyncio, os, sys
from pathlib import Path
from store.engine import Engine
from store.ops import PutOp, TxnOp

async def write(engine, round, writer):
    for n in range(1_000_000):
        name = b"%d-%d-%d" % (round, writer, n)
        halves = [PutOp(b"/left/" + name, name * 20), PutOp(b"/right/" + name, name), PutOp(b"/last", name)]
        await engine.txn(TxnOp((), halves, ()))
        os.write(1, name + b"\\n")

async def main(folder, round):
    engine = await Engine.open(Path(folder))
    if round % 5 == 4:
        await engine.compact(engine.revision)
    os.write(1, b"started\\n")
    await asyncio.gather(*(write(engine, round, writer) for writer in range(16)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def write_until_killed(folder: Path, number: int, after_seconds: float) -> list[bytes]:
    """The names that a writing process acknowledged before it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(folder), str(number), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    asyncio.get_running_loop().call_later(after_seconds, process.send_signal, signal.SIGKILL)
    said = await process.stdout.read()
    assert await process.wait() == -signal.SIGKILL
    return said.splitlines()


def halves(engine: Engine, side: bytes) -> dict[bytes, int]:
    """The names of one side, each with the revision that wrote it."""
    kvs = engine.read(RangeOp(side, side[:-1] + b"0")).kvs
    return {kv.key.removeprefix(side): kv.mod_revision for kv in kvs}


async def test_no_acknowledged_write_is_lost_by_kill_nine(tmp_path: Path) -> None:
    dice = random.Random(7)
    acknowledged: set[bytes] = set()
    for number in range(KILLS):
        acknowledged.update(await write_until_killed(tmp_path, number, dice.uniform(0.0, 0.12)))
        engine = await Engine.open(tmp_path)
        left, right = halves(engine, b"/left/"), halves(engine, b"/right/")
        assert left == right
        assert acknowledged <= left.keys()
        [last] = engine.read(RangeOp(b"/last")).kvs or [None]
        assert last is None or left[last.value] == last.mod_revision == engine.revision
        await engine.close()
    assert acknowledged


async def test_a_database_cut_anywhere_opens_with_whole_transactions(tmp_path: Path) -> None:
    dice = random.Random(11)
    engine = await Engine.open(tmp_path / "live")
    for n in range(300):
        name = b"%d" % n
        puts = [PutOp(b"/left/" + name, name * dice.randrange(400)), PutOp(b"/right/" + name, name)]
        await engine.txn(TxnOp((), puts, ()))
    wal = (tmp_path / "live" / "store.db-wal").read_bytes()
    for cut in [0, 1, 32, len(wal) - 1, *(dice.randrange(len(wal)) for _ in range(30))]:
        folder = tmp_path / str(cut)
        folder.mkdir()
        shutil.copy(tmp_path / "live" / "store.db", folder)
        (folder / "store.db-wal").write_bytes(wal[:cut])
        reopened = await Engine.open(folder)
        left = halves(reopened, b"/left/")
        assert left == halves(reopened, b"/right/")
        assert sorted(left.values()) == list(range(2, reopened.revision + 1))
        await reopened.close()
    await engine.close()


async def test_a_client_goes_on_when_its_killed_store_is_back(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/etcd.sock"
    storage = EtcdStorage([address])
    told: asyncio.Queue[int] = asyncio.Queue()
    watching = asyncio.create_task(follow(storage, told))
    value = 0
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "store", str(tmp_path / "data"), address, stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(40):
            value = await write_again(storage, value + 1)
        process.kill()
        await process.wait()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "store", str(tmp_path / "data"), address, stderr=asyncio.subprocess.DEVNULL
    )
    value = await write_again(storage, value + 1)
    async with asyncio.timeout(60):
        assert [await told.get() for _ in range(value)] == list(range(1, value + 1))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await storage.close()
    process.terminate()
    await process.wait()


async def write_again(storage: EtcdStorage, value: int) -> int:
    """Count /n up to `value`, however often the store is away; a write that was not answered may have happened."""
    deadline = time.monotonic() + 15
    while True:
        try:
            [found] = (await storage.get(b"/n")).kvs or [None]
            if found and int(found.value) == value:
                return value
            written = await storage.write(If(b"/n", found.mod_revision if found else 0), Put(b"/n", b"%d" % value))
            assert written.succeeded
            return value
        except StorageUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def follow(storage: EtcdStorage, told: asyncio.Queue[int]) -> None:
    """Every value of /n, in order, through all cuts."""
    after = 0
    while True:
        try:
            async for batch in storage.watch(b"/n", b"/o", after + 1):
                for event in batch.events:
                    told.put_nowait(int(event.kv.value))
                after = batch.revision
        except StorageUnavailable:
            await asyncio.sleep(0.02)
