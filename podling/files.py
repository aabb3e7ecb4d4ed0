"""Files that are whole or not there, and locks that die with their holder."""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


class Locked(Exception):
    """Somebody else holds the lock."""


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `path` in one step: a reader, or a crash, sees the old bytes or the new ones. Follows a symbolic link."""
    target = Path(os.path.realpath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def try_lock(path: Path) -> int | None:
    """The descriptor that holds the lock until it is closed (or its process ends); None where another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Does somebody hold it? Never makes the file."""
    if not path.exists():
        return False
    descriptor = try_lock(path)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


@contextlib.contextmanager
def lock(path: Path, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock for a while; `Locked` when another keeps it longer than the time allowed."""
    deadline = time.monotonic() + timeout_seconds
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise Locked(str(path))
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(descriptor)
