"""As whom a container runs, read from a /proc made of files."""

from pathlib import Path

import pytest

from kubelet.process_user import ProcessUser, process_user

STATUS = "Name:\tsh\nUid:\t1000\t1000\t1000\t1000\nGid:\t3000\t3000\t3000\t3000\nGroups:\t4000 50000 \n"
CGROUPS = {
    "v1": "12:memory:/kubepods/podx/abc\n1:name=systemd:/kubepods/podx/abc\n",
    "v2": "0::/kubepods.slice/docker-abc.scope\n",
}


def process(proc: Path, cgroup: str, status: str = STATUS) -> Path:
    (proc / "7").mkdir()
    (proc / "7" / "cgroup").write_text(cgroup)
    (proc / "7" / "status").write_text(status)
    return proc


@pytest.mark.parametrize("version", CGROUPS)
def test_user_and_groups_are_those_of_the_first_process(version: str, tmp_path: Path) -> None:
    assert process_user(7, "abc", process(tmp_path, CGROUPS[version])) == ProcessUser(1000, 3000, (3000, 4000, 50000))


def test_a_process_of_that_number_on_this_machine_may_be_another(tmp_path: Path) -> None:
    assert process_user(7, "abc", process(tmp_path, "0::/user.slice\n")) is None
    assert process_user(8, "abc", tmp_path) is None
    assert process_user(0, "abc", tmp_path) is None


def test_what_the_kernel_does_not_tell_is_not_made_up(tmp_path: Path) -> None:
    assert process_user(7, "abc", process(tmp_path, CGROUPS["v2"], "Name:\tsh\n")) is None
