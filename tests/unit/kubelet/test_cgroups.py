"""Over trees of files that look like /sys/fs/cgroup; the real kernel is asked in tests/contracts."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from kubelet.cgroups.cgroups import Cgroups, of_engine, page_size_name, weight
from kubelet.cgroups.huge_pages import huge_pages
from kubelet.cgroups.limits import PodLimits

V1 = ("cpu", "cpuset", "memory", "freezer")
LIMITS = PodLimits(512, 1500, 64 << 20)
UID = "0b5f-1"


def v1(folder: Path) -> Path:
    for controller in V1:
        (folder / controller).mkdir()
    return folder


def v2(folder: Path) -> Path:
    (folder / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    return folder


def cgroups(root: Path, *, systemd: bool = False, run: "Systemctl | None" = None) -> Cgroups:
    is_v2 = (root / "cgroup.controllers").exists()
    return Cgroups("my-lab", "n1", v2=is_v2, systemd=systemd, root=root, run=run or Systemctl(), rmdir=shutil.rmtree)


class Systemctl:
    def __init__(self, *, works: bool = True) -> None:
        self.asked: list[list[str]] = []
        self.works = works

    def __call__(self, arguments: Sequence[str]) -> bool:
        self.asked.append(list(arguments))
        return self.works


def test_v1_limits_stand_in_each_controllers_own_hierarchy(tmp_path: Path) -> None:
    found = cgroups(v1(tmp_path))
    found.make(UID, LIMITS)
    assert found.parent(UID) == f"/podling/my_lab/n1/pod{UID}"
    pod = f"podling/my_lab/n1/pod{UID}"
    assert (tmp_path / "cpu" / pod / "cpu.shares").read_text() == "512"
    assert (tmp_path / "cpu" / pod / "cpu.cfs_quota_us").read_text() == "150000"
    assert (tmp_path / "memory" / pod / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert (tmp_path / "cpu/podling/cpu.shares").read_text() == str((os.cpu_count() or 1) * 1024)
    assert not (tmp_path / "freezer/podling").exists(), "the engine makes those that it needs"


def test_v2_limits_stand_in_one_hierarchy_whose_levels_hand_controllers_down(tmp_path: Path) -> None:
    found = cgroups(v2(tmp_path))
    pod = tmp_path / f"podling/my_lab/n1/pod{UID}"
    pod.mkdir(parents=True)
    (pod / "memory.swap.max").write_text("max")
    found.make(UID, LIMITS)
    assert (pod / "memory.swap.max").read_text() == "0"
    assert (pod / "cpu.max").read_text() == "150000 100000"
    assert (pod / "cpu.weight").read_text() == str(weight(512))
    assert (pod / "memory.max").read_text() == str(64 << 20)
    for level in (tmp_path, tmp_path / "podling", tmp_path / "podling/my_lab/n1"):
        assert (level / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert not (pod / "cgroup.subtree_control").exists(), "the engine sees to what is below"


@pytest.mark.parametrize("tree", [v1, v2])
def test_no_limit_is_written_as_none(tmp_path: Path, tree: "type[object]") -> None:
    root: Path = tree(tmp_path)  # type: ignore[call-arg, assignment]
    found = cgroups(root)
    found.make(UID, LIMITS)
    found.limit(UID, PodLimits(2))
    pod = f"podling/my_lab/n1/pod{UID}"
    if found.v2:
        assert (root / pod / "memory.max").read_text() == "max"
        assert (root / pod / "cpu.max").read_text() == "max 100000"
    else:
        assert (root / "memory" / pod / "memory.limit_in_bytes").read_text() == "-1"
        assert (root / "cpu" / pod / "cpu.cfs_quota_us").read_text() == "-1"


def test_huge_pages_that_cannot_be_limited_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot limit hugetlb"):
        cgroups(v1(tmp_path)).make(UID, PodLimits(huge=((2 << 20, 4 << 20),)))


def test_huge_pages_are_limited_where_the_kernel_can(tmp_path: Path) -> None:
    found = cgroups(v1(tmp_path))
    folder = tmp_path / f"hugetlb/podling/my_lab/n1/pod{UID}"
    folder.mkdir(parents=True)
    (folder / "hugetlb.2MB.limit_in_bytes").write_text("")
    found.make(UID, PodLimits(huge=((2 << 20, 4 << 20),)))
    assert (folder / "hugetlb.2MB.limit_in_bytes").read_text() == str(4 << 20)


def test_what_nobody_uses_any_more_goes(tmp_path: Path) -> None:
    found = cgroups(v1(tmp_path))
    (tmp_path / f"freezer/podling/my_lab/n1/pod{UID}").mkdir(parents=True)  # the engine's doing
    for uid in (UID, "alive"):
        found.make(uid, LIMITS)
    found.prune(["alive"])
    assert not list(tmp_path.glob(f"*/podling/my_lab/n1/pod{UID}"))
    assert list(tmp_path.glob("cpu/podling/my_lab/n1/podalive"))


def test_the_last_cluster_takes_the_parent_of_all_with_it(tmp_path: Path) -> None:
    found = cgroups(v1(tmp_path))
    found.make(UID, LIMITS)
    other = Cgroups("other", "n1", v2=False, systemd=False, root=tmp_path, rmdir=shutil.rmtree)
    other.make("x", LIMITS)
    found.remove_cluster()
    assert not list(tmp_path.glob("*/podling/my_lab")) and list(tmp_path.glob("cpu/podling/other/n1/podx"))
    other.remove_cluster()
    assert not list(tmp_path.glob("*/podling"))


def test_systemd_makes_and_limits_its_slices_itself(tmp_path: Path) -> None:
    run = Systemctl()
    found = cgroups(v2(tmp_path), systemd=True, run=run)
    slice_ = "podling-my_lab-n1-pod0b5f_1.slice"
    assert found.parent(UID) == slice_
    found.make(UID, LIMITS)
    assert run.asked == [
        ["start", slice_],
        ["set-property", "--runtime", "podling.slice", f"CPUWeight={weight((os.cpu_count() or 1) * 1024)}"],
        [
            *("set-property", "--runtime", slice_),
            *(f"CPUWeight={weight(512)}", "CPUQuota=150%", f"MemoryMax={64 << 20}", "MemorySwapMax=0"),
        ],
    ]


def test_a_slice_with_containers_in_it_is_not_stopped(tmp_path: Path) -> None:
    run = Systemctl()
    found = cgroups(v2(tmp_path), systemd=True, run=run)
    folder = tmp_path / "podling.slice/podling-my_lab.slice/podling-my_lab-n1.slice/podling-my_lab-n1-pod0b5f_1.slice"
    (folder / "docker-1.scope").mkdir(parents=True)
    found.remove(UID)
    assert not run.asked
    (folder / "docker-1.scope").rmdir()
    found.prune([])
    assert run.asked == [["stop", folder.name], ["revert", folder.name]]


def test_a_systemd_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="systemd does not start"):
        cgroups(v2(tmp_path), systemd=True, run=Systemctl(works=False)).make(UID, LIMITS)


@pytest.mark.parametrize(
    "info",
    [
        {"CgroupDriver": "cgroupfs", "CgroupVersion": "2"},  # the machine has v1: the engine is elsewhere
        {"CgroupDriver": "none", "CgroupVersion": "1"},
        {"CgroupDriver": "cgroupfs", "CgroupVersion": "1", "SecurityOptions": ["name=rootless"]},
    ],
)
def test_cgroups_that_are_not_ours_are_left_alone(tmp_path: Path, info: dict[str, object]) -> None:
    assert of_engine(info, "lab", "n1", v1(tmp_path)) is None


def test_shares_become_weights_as_the_container_runtimes_turn_them() -> None:
    assert [weight(shares) for shares in (0, 2, 1024, 262144, 1 << 20)] == [1, 1, 39, 10000, 10000]


def test_page_sizes_are_named_as_the_kernel_names_them() -> None:
    assert [page_size_name(size) for size in (64 << 10, 2 << 20, 1 << 30)] == ["64KB", "2MB", "1GB"]


@pytest.mark.parametrize("tree", [v1, v2])
def test_all_pods_together_leave_what_is_reserved(tmp_path: Path, tree: "type[object]") -> None:
    root: Path = tree(tmp_path)  # type: ignore[call-arg, assignment]
    found = cgroups(root)
    found.limit_node(1 << 30)
    file = "podling/my_lab/n1/memory.max" if found.v2 else "memory/podling/my_lab/n1/memory.limit_in_bytes"
    assert (root / file).read_text() == str(1 << 30)


def test_huge_pages_are_counted_by_size(tmp_path: Path) -> None:
    for size, count in ((2048, 3), (1048576, 0)):
        (tmp_path / f"hugepages-{size}kB").mkdir()
        (tmp_path / f"hugepages-{size}kB/nr_hugepages").write_text(f"{count}\n")
    assert huge_pages(tmp_path) == (("hugepages-1Gi", 0), ("hugepages-2Mi", 6 << 20))
    assert huge_pages(tmp_path / "none") == ()
