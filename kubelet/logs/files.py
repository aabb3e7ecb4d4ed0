"""The files of one container's log, read in order while the engine writes and turns them over. Blocks, for the disk.

    x-json.log.2   x-json.log.1   x-json.log        oldest first; the engine renames them all, then begins anew

A file that is open stays itself under whatever name; so the one that follows it is found by its inode's neighbour. Only
who is slower than the writer by all the files that are kept misses something.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PIECE_BYTES = 1 << 18
BLOCK_BYTES = 1 << 16
TRIES = 5


class LogFiles:
    """`read` until it gives nothing; `close` at the end. Errors: OSError."""

    def __init__(self, path: Path, tail: int | None, follow: bool) -> None:
        """`tail`: from so many lines before the end. Without `follow` the end is where it is now."""
        self._path, self._follow = path, follow
        self._files = _opened(path)
        self._pending = b""
        self._turned = False  # the open file is no longer written to: when it ends, the next one comes
        try:
            self._left = os.fstat(self._files[-1]).st_size
            start = 0
            if tail is not None:
                start = self._skip(tail)
            os.lseek(self._files[0], start, os.SEEK_SET)
            if len(self._files) == 1:
                self._left -= start
        except BaseException:
            self.close()
            raise

    def read(self) -> bytes:
        """Whole lines; b"" when there are none now."""
        while True:
            last = len(self._files) == 1 and not self._follow
            data = os.read(self._files[0], min(PIECE_BYTES, self._left) if last else PIECE_BYTES)
            self._left -= len(data) if last else 0
            if not data and not self._advance():
                return b""
            lines, end, rest = (self._pending + data).rpartition(b"\n")
            self._pending = rest
            if end:
                return lines + end

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files = []

    def _advance(self) -> bool:
        """Whether there may be more to read now."""
        if len(self._files) > 1:
            os.close(self._files.pop(0))
            self._pending = b""
            return True
        if not self._follow:
            return False
        if not self._turned:
            self._turned = _inode(self._path) not in (None, os.fstat(self._files[0]).st_ino)
            return self._turned
        following = _opened_after(self._path, os.fstat(self._files[0]).st_ino)
        if following is None:
            return False
        os.close(self._files[0])
        self._files, self._pending, self._turned = [following], b"", False
        return True

    def _skip(self, lines: int) -> int:
        """Where the last lines begin: in the file that is then the first."""
        for index in reversed(range(len(self._files))):
            lines, start = _last_lines(self._files[index], lines)
            if lines == 0 or index == 0:
                for file in self._files[:index]:
                    os.close(file)
                del self._files[:index]
                return start
        return 0


def _opened(path: Path) -> list[int]:
    """Oldest first. From the newest on, so that one which is renamed meanwhile is met twice and none is missed."""
    found: dict[int, int] = {}
    files = [os.open(path, os.O_RDONLY | os.O_CLOEXEC)]
    for name in _names(path):
        with suppress(FileNotFoundError):
            files.append(os.open(name, os.O_RDONLY | os.O_CLOEXEC))
    for file in files:
        if found.setdefault(os.fstat(file).st_ino, file) != file:
            os.close(file)
    return list(reversed(found.values()))


def _names(path: Path) -> Iterator[Path]:
    """Of turned files, newest first."""
    number = 1
    while (name := path.with_name(f"{path.name}.{number}")).exists():
        yield name
        number += 1


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _opened_after(path: Path, inode: int) -> int | None:
    """The file that was begun when that of `inode` was turned; the oldest where that is gone. Looked up again where the
    engine has renamed meanwhile."""
    for _ in range(TRIES):
        names = [path, *_names(path)]
        inodes = [_inode(name) for name in names]
        index = inodes.index(inode) if inode in inodes else len(names)
        if index == 0:
            return None
        try:
            file = os.open(names[index - 1], os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        if os.fstat(file).st_ino == inodes[index - 1] and [_inode(name) for name in names] == inodes:
            return file
        os.close(file)
    return None


def _last_lines(file: int, lines: int) -> tuple[int, int]:
    """How many of the wanted lines are missing here, and where those that are here begin."""
    end = os.fstat(file).st_size
    wanted = lines + 1  # the end of the line before them
    while end > 0:
        start = max(0, end - BLOCK_BYTES)
        block = os.pread(file, end - start, start)
        count = block.count(b"\n")
        if count >= wanted:
            at = len(block)
            for _ in range(wanted):
                at = block.rindex(b"\n", 0, at)
            return 0, start + at + 1
        wanted -= count
        end = start
    return wanted - 1, 0
