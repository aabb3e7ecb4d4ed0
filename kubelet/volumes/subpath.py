"""A path within a volume, which the pod itself may fill with links while we look.

The path is resolved once, must lie in the volume, and is then opened part by part without following any link; what was
opened is bound to a place of our own, so that the engine never walks through the volume. Without root the resolved path
is handed on as it is. Source: k8s.io/kubernetes/pkg/volume/util/subpath.
"""

import os
from pathlib import Path

from kubelet.volumes import mounts


class SubPathError(Exception):
    """The path leaves its volume."""


def safe(volume: Path, path: str, place: Path) -> Path:
    """What to mount for `path` of `volume`; `place` is ours, used when we may mount."""
    base = Path(os.path.realpath(volume))
    target = Path(os.path.realpath(base / path))
    if not target.is_relative_to(base):
        raise SubPathError(f'failed to prepare subPath for volumeMount: "{path}" leaves the volume')
    opened = _open(base, target.relative_to(base).parts)
    try:
        return target if os.geteuid() != 0 else _bind(opened, place)
    finally:
        os.close(opened)


def _open(base: Path, parts: tuple[str, ...]) -> int:
    """A descriptor of the last part; missing directories are made."""
    current = os.open(base, os.O_PATH | os.O_DIRECTORY)
    for part in parts:
        try:
            following = _open_part(current, part)
        except OSError as error:
            raise SubPathError(f"failed to prepare subPath for volumeMount: {part}: {error.strerror}") from error
        finally:
            os.close(current)
        current = following
    return current


def _open_part(folder: int, part: str) -> int:
    try:
        found = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        found = _make(folder, part)
    if (os.fstat(found).st_mode & 0o170000) == 0o120000:
        os.close(found)
        raise OSError(40, "unexpected symbolic link", part)
    return found


def _make(folder: int, part: str) -> int:
    """A directory as open as the one that it is in, whatever the umask."""
    os.mkdir(part, dir_fd=folder)
    made = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=folder)
    os.fchmod(made, os.fstat(folder).st_mode & 0o7777)
    return made


def _bind(opened: int, place: Path) -> Path:
    if mounts.is_mounted(place):
        mounts.unmount(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    is_directory = (os.fstat(opened).st_mode & 0o170000) == 0o040000
    if is_directory:
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    mounts.bind(f"/proc/self/fd/{opened}", place)
    return place
