"""mount(2) and umount2(2), for memory volumes and for paths within volumes. Needs root."""

import ctypes
import os
from pathlib import Path

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC = 2, 4, 4096, 16384
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(target: Path, size_bytes: int | None) -> None:
    options = "mode=0777" + (f",size={size_bytes}" if size_bytes else "")
    _mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, options)


def bind(source: str, target: Path) -> None:
    _mount(source, str(target), "", MS_BIND | MS_REC, "")


def unmount_below(folder: Path) -> None:
    """Everything mounted on `folder` or under it, the innermost first."""
    root = str(folder)
    for point in reversed(mount_points()):
        if point == root or point.startswith(f"{root}/"):
            unmount(Path(point))


def unmount(target: Path) -> None:
    if _libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(target))


def mount_points() -> list[str]:
    """In the order of their mounting."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line.split()[4].encode().decode("unicode_escape") for line in lines]


def is_mounted(target: Path) -> bool:
    return str(target) in mount_points()


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    words = [os.fsencode(word) for word in (source, target, kind)]
    if _libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(options)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), target)
