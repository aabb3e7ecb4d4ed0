"""mount(2) and umount2(2): memory and huge pages for volumes, paths within volumes, images. Needs root."""

import ctypes
import errno
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
READ_ONLY = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
_OCTAL = re.compile(rb"\\([0-7]{3})")

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(target: Path, options: Mapping[str, str]) -> None:
    _mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)


def mount_huge_pages(target: Path, options: Mapping[str, str]) -> None:
    _mount("nodev", target, "hugetlbfs", MS_NOSUID | MS_NODEV, options)


def mount_layers(target: Path, layers: Sequence[str]) -> None:
    """Directories over each other, the topmost first: read-only, nothing to be executed."""
    if len(layers) > 1:
        _mount("overlay", target, "overlay", READ_ONLY, {"lowerdir": ":".join(layers)})
        return
    bind(layers[0], target)
    _mount("", target, "", READ_ONLY | MS_BIND | MS_REMOUNT, {})


def bind(source: str, target: Path) -> None:
    _mount(source, target, "", MS_BIND | MS_REC, {})


def unmount_below(folder: Path) -> None:
    """Everything mounted on `folder` or under it, the innermost first; then nothing is. Errors: OSError."""
    root = os.path.realpath(folder)

    def found() -> list[str]:
        return [point for point in mount_points() if point == root or point.startswith(f"{root}/")]

    for point in reversed(found()):
        unmount(Path(point))
    if left := found():
        raise OSError(errno.EBUSY, "is still mounted", left[0])


def unmount(target: Path) -> None:
    """Whoever is in there keeps it; nobody finds it any more."""
    if _libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def mount_points() -> list[str]:
    """In the order of their mounting, without links. Source: proc(5), blanks are written as \\040."""
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return [os.fsdecode(_OCTAL.sub(lambda found: bytes([int(found[1], 8)]), line.split()[4])) for line in lines]


def is_mounted(target: Path) -> bool:
    return os.path.realpath(target) in mount_points()


def _mount(source: str, target: Path, kind: str, flags: int, options: Mapping[str, str]) -> None:
    words = [os.fsencode(word) for word in (source, target, kind)]
    given = ",".join(f"{name}={value}" for name, value in options.items())
    if _libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(given)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))
