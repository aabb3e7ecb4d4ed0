"""Opens a path within a folder that others fill while we look: no link of theirs leads out of it.

The path is resolved once, links included, and must lie in the folder; then it is opened part by part without following
any link, so that a link swapped in meanwhile is an error and never a way out. Source:
k8s.io/kubernetes/pkg/volume/util/subpath.
"""

import errno
import os
import stat
from pathlib import Path


class Escapes(OSError):
    """The path leaves the folder, or somebody works on that."""


def open_beneath(folder: Path, path: str, *, make: bool = False) -> int:
    """An O_PATH descriptor, the caller's to close. `make`: directories that are missing are made, with the folder's own
    mode, whatever the umask. Errors: `Escapes`, OSError."""
    base = Path(os.path.realpath(folder))
    target = Path(os.path.realpath(base / path))
    if not target.is_relative_to(base):
        raise Escapes(errno.EXDEV, "leads out of the volume", path)
    current = os.open(base, os.O_PATH | os.O_DIRECTORY)
    mode = stat.S_IMODE(os.fstat(current).st_mode)
    for part in target.relative_to(base).parts:
        try:
            following = _open_part(current, part, mode if make else None)
        finally:
            os.close(current)
        current = following
    return current


def _open_part(folder: int, part: str, mode: int | None) -> int:
    try:
        found = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if mode is None:
            raise
        found = _make(folder, part, mode)
    if stat.S_ISLNK(os.fstat(found).st_mode):
        os.close(found)
        raise Escapes(errno.ELOOP, "has become a link", part)
    return found


def _make(folder: int, part: str, mode: int) -> int:
    try:
        os.mkdir(part, dir_fd=folder)
    except FileExistsError:  # another container of the pod starts at the same moment
        return os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    made = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=folder)
    os.fchmod(made, mode)
    return made


def read_beneath(folder: Path, path: str, most_bytes: int) -> bytes:
    """The beginning of a regular file; never waits, as opening a pipe would. Errors: `Escapes`, OSError."""
    found = open_beneath(folder, path)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", path)
        with open(f"/proc/self/fd/{found}", "rb") as file:
            return file.read(most_bytes)
    finally:
        os.close(found)
