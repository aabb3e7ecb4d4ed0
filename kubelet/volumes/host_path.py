"""hostPath: a place on the node itself, checked or made as its type asks. Source of the words:
k8s.io/kubernetes/pkg/volume/hostpath."""

import stat
from collections.abc import Callable
from pathlib import Path

from kubelet.volumes.payload import PayloadError


def check(name: str, kind: str) -> None:
    """Errors: `PayloadError`, OSError. Without a type nothing is checked: what is missing becomes a directory."""
    path = Path(name)
    if not kind:
        return
    if kind in _MAKERS and not path.exists():
        _MAKERS[kind](path)
    is_right, words = _KINDS[kind]
    if not path.exists() or not is_right(path.stat().st_mode):
        raise PayloadError(f"hostPath type check failed: {name} is not {words}")


def _make_directory(path: Path) -> None:
    path.mkdir(mode=0o755, parents=True, exist_ok=True)


def _make_file(path: Path) -> None:
    path.touch(mode=0o644)


_MAKERS: dict[str, Callable[[Path], None]] = {"DirectoryOrCreate": _make_directory, "FileOrCreate": _make_file}
_KINDS: dict[str, tuple[Callable[[int], bool], str]] = {
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "Directory": (stat.S_ISDIR, "a directory"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}
