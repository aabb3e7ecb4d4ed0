"""Paths within volumes, which the pod may fill with links."""

import ctypes
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from kubelet.volumes import mounts, subpath
from kubelet.volumes.beneath import Escapes, read_beneath
from kubelet.volumes.objects import Objects
from kubelet.volumes.volumes import MountError, Volumes
from podling.client.fake import FakeClient
from podling.loop.clock import FakeClock

from .build import typed_pod

AT_FDCWD, RENAME_EXCHANGE = -100, 2
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def test_a_sub_path_cannot_leave_its_volume(tmp_path: Path) -> None:
    volume, outside = tmp_path / "v", tmp_path / "secret"
    volume.mkdir()
    outside.mkdir()
    (volume / "link").symlink_to(outside)
    (volume / "inner").symlink_to("made")
    for path in ("link", "link/x", "../secret"):
        with pytest.raises(Escapes):
            subpath.safe(volume, path, tmp_path / "place")


@needs_root
def test_a_sub_path_is_made_and_bound(tmp_path: Path) -> None:
    volume, place = tmp_path / "v", tmp_path / "places" / "0"
    volume.mkdir()
    try:
        bound = subpath.safe(volume, "a/b", place)
        (bound / "file").write_text("x")
        assert (volume / "a" / "b" / "file").read_text() == "x" and bound == place
        assert subpath.safe(volume, "a/b", place) == place, "again, after a restart"
    finally:
        mounts.unmount_below(tmp_path)
    assert not mounts.is_mounted(place)


@needs_root
def test_what_is_missing_is_made_as_open_as_the_volume(tmp_path: Path) -> None:
    volume = tmp_path / "v"
    volume.mkdir()
    volume.chmod(0o2777)
    try:
        subpath.safe(volume, "a/b", tmp_path / "place")
        assert [(volume / each).stat().st_mode & 0o7777 for each in ("a", "a/b")] == [0o2777, 0o2777]
    finally:
        mounts.unmount_below(tmp_path)


@needs_root
def test_a_restart_finds_what_is_there_by_then(tmp_path: Path) -> None:
    volume, place = tmp_path / "v", tmp_path / "place"
    (volume / "a").mkdir(parents=True)
    try:
        assert subpath.safe(volume, "a", place).is_dir()
        (volume / "a").rmdir()
        (volume / "a").write_text("a file now")
        assert subpath.safe(volume, "a", place).read_text() == "a file now"
    finally:
        mounts.unmount_below(tmp_path)


@needs_root
def test_a_link_swapped_in_meanwhile_never_leads_out(tmp_path: Path) -> None:
    """A container exchanges a directory for a link to the host, as fast as it can, while we look."""
    volume, outside, place = tmp_path / "v", tmp_path / "host", tmp_path / "place"
    volume.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("of the host")
    (volume / "a").mkdir()
    (volume / "link").symlink_to(outside)
    ended = threading.Event()

    def swap() -> None:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        while not ended.is_set():
            rename(AT_FDCWD, bytes(volume / "a"), AT_FDCWD, bytes(volume / "link"), RENAME_EXCHANGE)

    swapper = threading.Thread(target=swap)
    swapper.start()
    refused = 0
    try:
        for _ in range(300):
            try:
                assert not (subpath.safe(volume, "a", place) / "secret").exists()
            except OSError:
                refused += 1
    finally:
        ended.set()
        swapper.join()
        mounts.unmount_below(tmp_path)
    assert refused, "the race was never run"


def test_files_are_read_without_waiting_or_leaving(tmp_path: Path) -> None:
    volume, outside = tmp_path / "v", tmp_path / "secret"
    volume.mkdir()
    outside.write_text("of the host")
    (volume / "env").write_text("A='1'")
    (volume / "link").symlink_to("env")
    (volume / "out").symlink_to(outside)
    os.mkfifo(volume / "pipe")
    assert read_beneath(volume, "link", 3) == b"A='"
    for path in ("out", "pipe", "none"):
        with pytest.raises(OSError):
            read_beneath(volume, path, 100)
    assert not (volume / "none").exists()


def mounted(tmp_path: Path, environment: dict[str, str], recursive: bool = False, **mount: Any) -> Any:
    ours = Volumes(tmp_path / "pods", Objects(FakeClient(), FakeClock()))
    volume = ours.path("uid-web", "v")
    volume.mkdir(parents=True, exist_ok=True)
    pod = typed_pod(
        [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/v", **mount}]}],
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    try:
        return ours.mounts(pod, pod.spec.containers[0], environment, recursive)[0]
    finally:
        if os.geteuid() == 0:
            mounts.unmount_below(tmp_path)


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        ({"subPathExpr": "$(WHO)/$(NONE)"}, "missing value for NONE"),
        ({"subPathExpr": "$(ROOT)"}, "error SubPath `/etc` must not be an absolute path"),
        ({"subPathExpr": "$(UP)"}, "unable to provision SubPath `../..`: must not contain '..'"),
        (
            {"recursiveReadOnly": "Enabled", "readOnly": True},
            'failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, '
            "but it is not supported by the runtime",
        ),
    ],
)
def test_what_cannot_be_mounted_is_told_in_kubernetes_words(tmp_path: Path, mount: Any, message: str) -> None:
    with pytest.raises(MountError) as told:
        mounted(tmp_path, {"WHO": "me", "ROOT": "/etc", "UP": "../.."}, **mount)
    assert str(told.value) == message


def test_the_host_is_not_told_of(tmp_path: Path) -> None:
    (tmp_path / "pods" / "uid-web" / "volumes" / "v").mkdir(parents=True)
    (tmp_path / "pods" / "uid-web" / "volumes" / "v" / "a").symlink_to("/etc/shadow")
    with pytest.raises(MountError) as told:
        mounted(tmp_path, {}, subPath="a")
    assert str(told.value) == 'failed to prepare subPath for volumeMount "v" of container "app"'


@pytest.mark.parametrize(
    ("asked", "engine_can", "expected"),
    [("IfPossible", False, False), ("IfPossible", True, True), ("Enabled", True, True), ("Disabled", True, False)],
)
def test_mounts_are_recursively_read_only_where_the_engine_can(
    tmp_path: Path, asked: str, engine_can: bool, expected: bool
) -> None:
    found = mounted(tmp_path, {}, engine_can, readOnly=True, recursiveReadOnly=asked)
    assert (found.read_only, found.recursive_read_only) == (True, expected)
