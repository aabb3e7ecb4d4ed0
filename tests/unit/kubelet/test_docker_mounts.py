"""Mounts in the words of the engine."""

from typing import Any

import pytest

from kubelet.docker.mounts import mounts_config, supports_recursive_read_only
from kubelet.runtime import Mount

OLD, NEW = (1, 41), (1, 51)


@pytest.mark.parametrize(
    ("mount", "api", "bind"),
    [
        (Mount("/a", "/b"), OLD, "/a:/b"),
        (Mount("/a", "/b", read_only=True), OLD, "/a:/b:ro"),
        (Mount("/a", "/b", read_only=True, propagation="rslave"), OLD, "/a:/b:ro,rslave"),
        (Mount("/a", "/b", propagation="rshared"), NEW, "/a:/b:rshared"),
    ],
)
def test_binds_say_most(mount: Mount, api: tuple[int, ...], bind: str) -> None:
    assert mounts_config([mount], api) == {"Binds": [bind], "Mounts": []}


@pytest.mark.parametrize(
    ("mount", "api", "options"),
    [
        (Mount("/a", "/b", True), NEW, {"ReadOnlyNonRecursive": True}),
        (Mount("/a", "/b", True, recursive_read_only=True), NEW, {"ReadOnlyForceRecursive": True}),
        (Mount("/a:1", "/b", True), OLD, {}),
    ],
)
def test_mounts_say_the_rest(mount: Mount, api: tuple[int, ...], options: Any) -> None:
    config = mounts_config([mount], api)
    assert config["Binds"] == []
    (found,) = config["Mounts"]
    assert (found["Type"], found["Source"], found["Target"], found["ReadOnly"]) == ("bind", mount.source, "/b", True)
    assert found["BindOptions"] == {"Propagation": "rprivate", "CreateMountpoint": True, **options}


@pytest.mark.parametrize(
    ("engine", "kernel", "expected"),
    [
        ("28.2.2", "6.1.0-18-amd64", True),
        ("25.0.3+dfsg", "5.12", True),
        ("25.0.3", "5.10.0-28-amd64", False),
        ("20.10.24+dfsg1", "6.18.44-fc-v657", False),
        ("dev", "6.1", False),
    ],
)
def test_recursive_read_only_takes_a_new_engine_and_kernel(engine: str, kernel: str, expected: bool) -> None:
    assert supports_recursive_read_only(engine, kernel) is expected


def test_newer_engines_mount_images_themselves() -> None:
    mount = Mount("sha256:1", "/i", True, of_image=True, sub_path="etc")
    expected = {"Type": "image", "Source": "sha256:1", "Target": "/i", "ReadOnly": True}
    assert mounts_config([mount], NEW) == {
        "Binds": [],
        "Mounts": [{**expected, "ImageOptions": {"Subpath": "etc"}}],
    }
