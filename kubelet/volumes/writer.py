"""Writes a volume's files so that a reader sees all of the old ones or all of the new ones.

    volume/
      ..2026_11_22_11_00_00.x1/app.conf     the files
      ..data -> ..2026_11_22_11_00_00.x1    swapped by one rename
      app.conf -> ..data/app.conf           what the container reads

Source: k8s.io/kubernetes/pkg/volume/util/atomic_writer.go.
"""

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from kubelet.volumes.payload import Files

DATA = "..data"
NEW_DATA = "..data_tmp"


def write(volume: Path, files: Files, group: int | None = None) -> bool:
    """Whether anything changed. `group` is the pod's fsGroup."""
    for path in files:
        _check(path)
    volume.mkdir(parents=True, exist_ok=True)
    old = volume / DATA
    if old.is_symlink() and old.is_dir() and _read(old) == {path: file.data for path, file in files.items()}:
        return False
    former = os.readlink(old) if old.is_symlink() else None
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.")
    fresh = Path(tempfile.mkdtemp(prefix=stamp, dir=volume))
    fresh.chmod(0o755)
    _fill(fresh, files, group)
    new = volume / NEW_DATA
    new.unlink(missing_ok=True)
    new.symlink_to(fresh.name)
    new.rename(old)
    _link(volume, files)
    if former:
        shutil.rmtree(volume / former, ignore_errors=True)
    return True


def _check(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise ValueError(f"invalid path: {path!r}")


def _read(data: Path) -> dict[str, bytes]:
    folder = data.resolve()
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _fill(folder: Path, files: Files, group: int | None) -> None:
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        mode = file.mode
        if group is not None:
            os.chown(target, -1, group)
            mode |= 0o040
        target.chmod(mode)


def _link(volume: Path, files: Files) -> None:
    """One link for each first part of a path; those of former files go."""
    wanted = {PurePosixPath(path).parts[0] for path in files}
    for name in wanted:
        link = volume / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    for entry in list(volume.iterdir()):
        if entry.is_symlink() and entry.name != DATA and entry.name not in wanted:
            entry.unlink()
