"""What pods take of disk and process ids, read from trees of files."""

import os
from pathlib import Path

from kubelet.docker.engine import DockerEngine
from kubelet.node.disk_usage import DiskUsage, used_by
from kubelet.node.pod_usage import threads_of


def test_what_is_taken_counts_once_and_links_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * (1 << 20))
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    empty = used_by(folder)
    (folder / "inner" / "file").write_bytes(b"x" * (1 << 20))
    os.link(folder / "inner" / "file", folder / "again")
    (folder / "link").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    found = used_by(folder)
    assert 1 << 20 <= found.bytes - empty.bytes < 2 << 20
    assert found.inodes - empty.inodes == 3
    with open(folder / "sparse", "wb") as sparse:
        sparse.truncate(1 << 40)
    assert used_by(folder).bytes < 2 << 20


def test_a_folder_that_is_gone_takes_nothing(tmp_path: Path) -> None:
    assert used_by(tmp_path / "none") == (0, 0)


def test_volumes_are_told_by_name(tmp_path: Path) -> None:
    data = tmp_path / "u1" / "volumes" / "data"
    data.mkdir(parents=True)
    (data / "file").write_bytes(b"x" * 8192)
    usage = DiskUsage(DockerEngine(), {}, tmp_path)
    assert usage.volumes("u1")["data"].bytes >= 8192
    assert usage.volumes("u2") == {}


def test_threads_are_counted_by_the_container_that_their_cgroup_names(tmp_path: Path) -> None:
    one, other = "a" * 64, "b" * 64
    for pid, cgroup, threads in (
        (10, f"9:pids:/kubepods/{one}\n0::/\n", 2),
        (11, f"0::/system.slice/docker-{one}.scope\n", 1),
        (12, f"0::/docker/{other}\n", 1),
        (13, "0::/user.slice\n", 5),
    ):
        for thread in range(threads):
            (tmp_path / str(pid) / "task" / str(thread)).mkdir(parents=True)
        (tmp_path / str(pid) / "cgroup").write_text(cgroup)
    (tmp_path / "14").mkdir()
    (tmp_path / "self").mkdir()
    assert threads_of(tmp_path) == {one: 3, other: 1}
