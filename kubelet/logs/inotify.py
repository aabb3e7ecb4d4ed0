"""News of folders' files from the kernel, without asking again and again. Source: inotify(7).

One instance for all, since a user may have few (128) but many watches. What the kernel refuses is not watched: who
waits looks again now and then anyway.
"""

import asyncio
import ctypes
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)
IN_MODIFY, IN_MOVED, IN_CREATE = 0x2, 0xC0, 0x100
MOST_BYTES = 1 << 16
_HEAD = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_LIBC = ctypes.CDLL(None, use_errno=True)


class FolderWatches:
    """Of one loop. `close` at the end."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._news: dict[int, list[asyncio.Event]] = {}

    @contextmanager
    def watch(self, folder: Path) -> Iterator[asyncio.Event]:
        """An event that is set when a file of the folder is written to, renamed or made."""
        news, number = asyncio.Event(), -1
        try:
            number = self._add(folder)
            self._news.setdefault(number, []).append(news)
        except OSError as error:
            log.info("folder not watched folder=%s error=%s", folder, error)
        try:
            yield news
        finally:
            if number >= 0:
                self._remove(number, news)

    def _add(self, folder: Path) -> int:
        if self._descriptor < 0:
            self._descriptor = _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        mask = IN_MODIFY | IN_MOVED | IN_CREATE
        return _checked(_LIBC.inotify_add_watch(self._descriptor, os.fsencode(folder), mask))

    def _remove(self, number: int, news: asyncio.Event) -> None:
        """The kernel has one watch a folder, whoever asked for it."""
        self._news[number].remove(news)
        if not self._news[number]:
            del self._news[number]
            _LIBC.inotify_rm_watch(self._descriptor, number)
        if not self._news:
            self.close()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            data, at = os.read(self._descriptor, MOST_BYTES), 0
            while at < len(data):
                number, _, _, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size + length
                for news in self._news.get(number, ()):
                    news.set()

    def close(self) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
