"""Files that change all at once."""

import os
from pathlib import Path

import pytest

from kubelet.volumes import writer
from kubelet.volumes.payload import File


def test_readers_see_all_old_or_all_new_files(tmp_path: Path) -> None:
    old, new = {"a": File(b"1", 0o644), "d/b": File(b"1", 0o600)}, {"a": File(b"2", 0o644), "c": File(b"2", 0o644)}
    assert writer.write(tmp_path, old)
    assert (tmp_path / "d" / "b").read_bytes() == b"1" and (tmp_path / "d" / "b").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").is_symlink() and os.readlink(tmp_path / "a") == "..data/a"
    first = os.readlink(tmp_path / "..data")
    assert not writer.write(tmp_path, old), "nothing changed, nothing written"
    assert os.readlink(tmp_path / "..data") == first
    assert writer.write(tmp_path, new)
    assert (tmp_path / "a").read_bytes() == b"2" and not (tmp_path / "d").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a", "c", "..data", os.readlink(tmp_path / "..data")]
    )


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "..data/x", ""])
def test_paths_out_of_the_volume_are_not_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="invalid path"):
        writer.write(tmp_path / "v", {path: File(b"", 0o644)})


@pytest.mark.parametrize("killed_after", ["nothing", "files", "swap"])
def test_a_kubelet_killed_at_any_step_goes_on_from_there(tmp_path: Path, killed_after: str) -> None:
    files = {"a": File(b"1", 0o644)}
    half = tmp_path / "..2026_11_22_11_00_00.half"
    if killed_after != "nothing":
        half.mkdir()
        (half / "a").write_bytes(b"1")
        (tmp_path / "..data_tmp").symlink_to(half.name)
    if killed_after == "swap":
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    writer.write(tmp_path, files)
    assert (tmp_path / "a").read_bytes() == b"1"
    kept = os.readlink(tmp_path / "..data")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "..data", kept}, "nothing half written stays"
