"""A file system that really fills up under the store, and is freed again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from podling.client.etcd import EtcdStorage
from podling.storage import Put, StorageUnavailable, prefix_end
from store.engine import Engine
from store.service import Config, serve

PREFIX = b"/registry/"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid():
        pytest.skip("only root can mount a small file system")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


async def test_a_full_disk_loses_nothing_acknowledged_and_works_again_when_there_is_space(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 << 20))
    engine = await Engine.open(small_disk / "data")
    server = await serve(engine, Config(small_disk, "127.0.0.1:0"))
    storage = EtcdStorage([server.address])
    acknowledged: dict[bytes, bytes] = {}

    async def write(n: int) -> None:
        key, value = PREFIX + b"%d" % n, os.urandom(20_000)
        await storage.write(None, Put(key, value))
        acknowledged[key] = value

    async def kept() -> dict[bytes, bytes]:
        return {kv.key: kv.value for kv in (await storage.range(PREFIX, prefix_end(PREFIX))).kvs}

    with pytest.raises(StorageUnavailable, match="etcdserver: mvcc: database space exceeded"):
        for n in range(400):
            await write(n)
    assert acknowledged and await kept() == acknowledged
    assert engine.refusal
    with pytest.raises(StorageUnavailable):
        await write(1000)
    ballast.unlink()
    await write(1001)
    assert await kept() == acknowledged and not engine.refusal
    await storage.close()
    await server.stop()
    await engine.close()

    engine = await Engine.open(small_disk / "data")
    assert {kv.key: kv.value for kv in engine.keys.span(PREFIX, prefix_end(PREFIX), engine.revision)} == acknowledged
    await engine.close()
