"""hostPath volumes, checked as their type asks."""

from pathlib import Path

import pytest

from kubelet.volumes.host_path import check
from kubelet.volumes.payload import PayloadError


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Directory", "is not a directory"),
        ("File", "is not a file"),
        ("Socket", "is not a socket file"),
        ("CharDevice", "is not a character device"),
        ("BlockDevice", "is not a block device"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        check(str(tmp_path / "none"), kind)


def test_what_is_asked_for_is_made(tmp_path: Path) -> None:
    check(str(tmp_path / "d" / "e"), "DirectoryOrCreate")
    check(str(tmp_path / "f"), "FileOrCreate")
    assert (tmp_path / "d" / "e").is_dir() and (tmp_path / "f").is_file()
    check("/dev/null", "CharDevice")
    check(str(tmp_path / "none"), "")
    with pytest.raises(PayloadError, match="is not a directory"):
        check(str(tmp_path / "f"), "DirectoryOrCreate")
