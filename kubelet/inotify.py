"""News of a folder's files from the kernel, without asking again and again. Source: inotify(7)."""

import asyncio
import ctypes
import os
from pathlib import Path

IN_MODIFY, IN_MOVED, IN_CREATE = 0x2, 0xC0, 0x100
MOST_BYTES = 1 << 16
_LIBC = ctypes.CDLL(None, use_errno=True)


class FolderWatch:
    """`with` it inside a running loop; `changed` returns when a file was written to, renamed or made since it was asked
    last. Errors: OSError where there is no such folder, or no watch left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._news = asyncio.Event()
        self._descriptor = -1

    def __enter__(self) -> "FolderWatch":
        self._descriptor = _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            mask = IN_MODIFY | IN_MOVED | IN_CREATE
            _checked(_LIBC.inotify_add_watch(self._descriptor, os.fsencode(self._folder), mask))
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    async def changed(self) -> None:
        await self._news.wait()
        self._news.clear()

    def _read(self) -> None:
        os.read(self._descriptor, MOST_BYTES)
        self._news.set()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
