"""A copy of the whole store as a stream of bytes: what `etcdctl snapshot save` writes to a file.

It is our SQLite database, followed by the SHA-256 of it as etcd's snapshots end too. Put as `store.db` into an
empty folder, it is a store again (SQLite ignores what follows its last page). It is not a bbolt file: a real etcd
and `etcdctl snapshot status` or `restore` cannot read it.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from store.engine import SNAPSHOT, Engine
from store.errors import NoSpace

CHUNK_BYTES = 1 << 20


async def snapshot(engine: Engine) -> AsyncIterator[tuple[bytes, int]]:
    """(bytes, how many remain after them). Raises `NoSpace` where the copy does not fit beside the database."""
    try:
        with tempfile.TemporaryDirectory(prefix=SNAPSHOT, dir=engine.path.parent) as folder:
            copy = Path(folder) / "copy.db"
            await engine.copy_to(copy)
            digest = hashlib.sha256()
            remaining = copy.stat().st_size + digest.digest_size
            with copy.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    digest.update(chunk)
                    remaining -= len(chunk)
                    yield chunk, remaining
            yield digest.digest(), 0
    except OSError as error:
        raise NoSpace(str(error)) from error
