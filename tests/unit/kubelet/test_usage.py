from pathlib import Path

import pytest

from kubelet.cgroups.usage import Folders, Usage, folders, folders_of, machine, of_engine, read

ID = "c0ffee" * 10
V1 = f"9:name=systemd:/podling/x/{ID}\n4:memory:/podling/x/{ID}\n2:cpu,cpuacct:/podling/x/{ID}\n0::/\n"
V2 = f"0::/system.slice/podling-x.slice/docker-{ID}.scope\n"


def test_a_container_is_found_in_each_hierarchy_of_v1(tmp_path: Path) -> None:
    assert folders(V1, ID, tmp_path) == Folders(
        tmp_path / f"cpuacct/podling/x/{ID}", tmp_path / f"memory/podling/x/{ID}", False
    )


def test_a_container_is_found_in_the_one_hierarchy_of_v2(tmp_path: Path) -> None:
    folder = tmp_path / f"system.slice/podling-x.slice/docker-{ID}.scope"
    assert folders(V2, ID, tmp_path) == Folders(folder, folder, True)


def test_a_process_that_is_not_the_containers_is_no_source(tmp_path: Path) -> None:
    """The engine is on another machine, and its process ids mean nothing here."""
    assert folders(V1, "beef", tmp_path) is None
    assert folders_of(1, ID, proc=tmp_path) is None
    assert folders_of(0, ID) is None


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)


def test_usage_on_v1(tmp_path: Path) -> None:
    write(tmp_path, cpuacct_usage="2000\n", memory_usage_in_bytes="900\n", memory_stat="total_inactive_file 400\n")
    assert read(Folders(tmp_path, tmp_path, False)) == Usage(2000, 900, 500)


def test_usage_on_v2(tmp_path: Path) -> None:
    write(tmp_path, cpu_stat="usage_usec 2\nuser_usec 1\n", memory_current="900\n", memory_stat="inactive_file 1000\n")
    assert read(Folders(tmp_path, tmp_path, True)) == Usage(2000, 900, 0)


def test_what_has_ended_has_no_usage(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert read(Folders(gone, gone, True)) is None
    assert read(Folders(gone, gone, False)) is None


def test_the_machine_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 0 50 9000 10 0 5 1 0 0\ncpu0 1 1 1 1\n")
    (tmp_path / "meminfo").write_text(
        "MemTotal: 1000 kB\nMemFree: 300 kB\nInactive(file): 100 kB\nHugePages_Total: 0\n"
    )
    assert machine(tmp_path) == Usage(156 * 10_000_000, 700 << 10, 600 << 10)


@pytest.mark.parametrize("idle", ["total_inactive_file", "inactive_file"])
def test_the_engines_own_numbers_stand_in_for_files(idle: str) -> None:
    stats = {"cpu_stats": {"cpu_usage": {"total_usage": 5}}, "memory_stats": {"usage": 90, "stats": {idle: 40}}}
    assert of_engine(stats) == Usage(5, 90, 50)
    assert of_engine({"cpu_stats": {}, "memory_stats": {}}) is None, "it has ended"
