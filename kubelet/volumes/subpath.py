"""A path within a volume, which the pod itself may fill with links while we look.

It is opened without leaving the volume (`kubelet.volumes.beneath`), and what was opened is bound to a place of our own,
so that the engine never walks through the volume. Without root the resolved path is handed on as it is.
"""

import os
import stat
from pathlib import Path

from kubelet.volumes import mounts
from kubelet.volumes.beneath import open_beneath


def safe(volume: Path, path: str, place: Path, *, make: bool = True) -> Path:
    """What to mount for `path` of `volume`; `make` it a directory where it is missing. `place` is ours, used when we
    may mount; what an earlier start bound there goes, its container keeps its own mount. Errors: OSError."""
    opened = open_beneath(volume, path, make=make)
    try:
        if os.geteuid() != 0:
            return Path(os.readlink(f"/proc/self/fd/{opened}"))
        return _bind(opened, place)
    finally:
        os.close(opened)


def _bind(opened: int, place: Path) -> Path:
    mounts.unmount_below(place)
    is_directory = stat.S_ISDIR(os.fstat(opened).st_mode)
    if place.is_dir() and not is_directory:
        place.rmdir()
    elif place.is_file() and is_directory:
        place.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    if is_directory:
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    mounts.bind(f"/proc/self/fd/{opened}", place)
    return place
