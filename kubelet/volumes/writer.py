"""Writes a volume's files so that a reader sees all of the old ones or all of the new ones.

    volume/
      ..2026_11_22_11_00_00.x1/app.conf     the files
      ..data -> ..2026_11_22_11_00_00.x1    swapped by one rename
      app.conf -> ..data/app.conf           what the container reads

The kubelet may be killed, or the disk be full, at any of these steps: the next `write` goes on from there. Source:
k8s.io/kubernetes/pkg/volume/util/atomic_writer.go.
"""

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from kubelet.volumes.payload import File, Files

DATA, NEW_DATA = "..data", "..data_tmp"
OPEN = 0o777  # the volume's own folder, which containers mount read-only


def write(volume: Path, files: Files, group: int | None = None) -> bool:
    """Whether anything changed. `group` is the pod's fsGroup."""
    for path in files:
        _check(path)
    volume.mkdir(parents=True, exist_ok=True)
    volume.chmod(OPEN)
    changed = _read(volume / DATA) != {path: file.data for path, file in files.items()}
    if changed:
        _swap(volume, files, group)
    _link(volume, files)
    _sweep(volume)
    return changed


def _swap(volume: Path, files: Files, group: int | None) -> None:
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.")
    fresh = Path(tempfile.mkdtemp(prefix=stamp, dir=volume))
    try:
        _fill(fresh, files, group)
        new = volume / NEW_DATA
        new.unlink(missing_ok=True)
        new.symlink_to(fresh.name)
        new.rename(volume / DATA)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)  # a full disk: give back what was taken
        raise


def _check(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise ValueError(f"invalid path: {path!r}")


def _read(data: Path) -> dict[str, bytes] | None:
    """None: nothing was ever written."""
    if not data.is_symlink() or not data.is_dir():
        return None
    folder = data.resolve()
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _fill(folder: Path, files: Files, group: int | None) -> None:
    _own_folder(folder, group)
    for path, file in files.items():
        target = folder / path
        for parent in reversed(target.relative_to(folder).parents[:-1]):
            if not (folder / parent).exists():
                (folder / parent).mkdir()
                _own_folder(folder / parent, group)
        _write_file(target, file, group)


def _own_folder(folder: Path, group: int | None) -> None:
    if group is not None:
        os.chown(folder, -1, group)
    folder.chmod(0o755 if group is None else 0o2755)


def _write_file(target: Path, file: File, group: int | None) -> None:
    """Without root nothing can be given away: what is meant for another user stays readable to all."""
    target.write_bytes(file.data)
    mode = file.mode if group is None else file.mode | 0o440
    if os.geteuid() == 0:
        os.chown(target, -1 if file.owner is None else file.owner, -1 if group is None else group)
    elif file.owner is not None:
        mode |= 0o044
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


def _sweep(volume: Path) -> None:
    """Former files, and what a killed kubelet left half written."""
    current = os.readlink(volume / DATA)
    for entry in list(volume.iterdir()):
        if entry.name.startswith("..") and entry.name not in (DATA, current) and entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
