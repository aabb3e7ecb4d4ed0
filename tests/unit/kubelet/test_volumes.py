import base64
import os
from pathlib import Path
from typing import Any

import pytest

from kubelet.downward import PodFacts
from kubelet.environment import Source
from kubelet.volumes import mounts, subpath, writer
from kubelet.volumes.objects import Objects
from kubelet.volumes.payload import File, Parts, PayloadError, TokenNeed, files, needs
from kubelet.volumes.volumes import MountError, Volumes
from podling.client.fake import FakeClient
from podling.client.resource import CONFIG_MAPS, SECRETS
from podling.loop.clock import FakeClock

from .build import typed_pod

FACTS = PodFacts("n1", ["192.0.2.1"], [], {})
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def lay_out(volume: dict[str, Any], sources: dict[Source, Any] | None = None, tokens: Any = None) -> Any:
    pod = typed_pod(volumes=[{"name": "v", **volume}])
    pod.metadata.labels = {"tier": "web"}
    return files(pod, pod.spec.volumes[0], Parts(sources or {}, tokens or {}, FACTS))


CONF = Source("ConfigMap", "conf")


def test_a_config_map_becomes_files() -> None:
    found = lay_out({"configMap": {"name": "conf", "defaultMode": 0o400}}, {CONF: {"a": b"1", "b": b"2"}})
    assert found == {"a": File(b"1", 0o400), "b": File(b"2", 0o400)}


def test_items_choose_paths_and_modes() -> None:
    items = [{"key": "a", "path": "x/y", "mode": 0o600}]
    assert lay_out({"configMap": {"name": "conf", "items": items}}, {CONF: {"a": b"1", "b": b"2"}}) == {
        "x/y": File(b"1", 0o600)
    }
    with pytest.raises(PayloadError, match="references non-existent config key: a"):
        lay_out({"configMap": {"name": "conf", "items": items}}, {CONF: {}})
    assert lay_out({"configMap": {"name": "conf", "items": items, "optional": True}}, {CONF: {}}) == {}


def test_what_is_missing_is_told_unless_optional() -> None:
    with pytest.raises(PayloadError, match='secret "s" not found'):
        lay_out({"secret": {"secretName": "s"}}, {Source("Secret", "s"): None})
    assert lay_out({"secret": {"secretName": "s", "optional": True}}, {Source("Secret", "s"): None}) == {}


def test_the_pod_itself_becomes_files() -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    assert lay_out({"downwardAPI": {"items": items}}) == {"labels": File(b'tier="web"', 0o644)}


def test_projected_sources_stand_together() -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    volume = {"projected": {"sources": sources}}
    root, token = Source("ConfigMap", "kube-root-ca.crt"), TokenNeed("", 600)
    assert needs(typed_pod(volumes=[{"name": "v", **volume}]).spec.volumes[0]) == ({root}, {token})
    found = lay_out(volume, {root: {"ca.crt": b"PEM"}}, {token: "jwt"})
    assert {path: file.data for path, file in found.items()} == {
        "token": b"jwt",
        "ca.crt": b"PEM",
        "namespace": b"default",
    }


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


def test_a_sub_path_cannot_leave_its_volume(tmp_path: Path) -> None:
    volume, outside = tmp_path / "v", tmp_path / "secret"
    volume.mkdir()
    outside.mkdir()
    (volume / "link").symlink_to(outside)
    (volume / "inner").symlink_to("made")
    for path in ("link", "link/x", "../secret"):
        with pytest.raises(subpath.SubPathError):
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


def volumes(tmp_path: Path, client: FakeClient | None = None) -> Volumes:
    return Volumes(tmp_path / "pods", Objects(client or FakeClient(), FakeClock()))


@needs_root
async def test_memory_volumes_are_mounted_once_and_taken_away(tmp_path: Path) -> None:
    pod = typed_pod(volumes=[{"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}])
    ours = volumes(tmp_path)
    path = ours.path("uid-web", "m")
    await ours.prepare(pod, FACTS)
    (path / "x").write_text("kept")
    await ours.prepare(pod, FACTS)
    assert mounts.mount_points().count(str(path)) == 1 and (path / "x").read_text() == "kept"
    assert os.statvfs(path).f_blocks * os.statvfs(path).f_frsize == 1 << 20
    await ours.remove("uid-web")
    assert not mounts.is_mounted(path) and not path.exists()
    await ours.remove("uid-web")


async def test_empty_volumes_are_open_to_all_or_to_the_group(tmp_path: Path) -> None:
    ours = volumes(tmp_path)
    await ours.prepare(typed_pod(volumes=[{"name": "e", "emptyDir": {}}]), FACTS)
    assert ours.path("uid-web", "e").stat().st_mode & 0o7777 == 0o777


async def test_config_maps_and_secrets_are_read_from_the_api(tmp_path: Path) -> None:
    client = FakeClient()
    client.add(CONFIG_MAPS, {"metadata": {"name": "conf"}, "data": {"a": "1"}, "binaryData": {"b": "AP8="}})
    client.add(SECRETS, {"metadata": {"name": "s"}, "data": {"p": base64.b64encode(b"pw").decode()}})
    ours = volumes(tmp_path, client)
    given = [{"name": "c", "configMap": {"name": "conf"}}, {"name": "s", "secret": {"secretName": "s"}}]
    mounted = [{"name": "c", "mountPath": "/c"}, {"name": "s", "mountPath": "/s/p", "subPath": "p"}]
    pod = typed_pod([{"name": "app", "volumeMounts": mounted[:1]}], volumes=given)
    await ours.prepare(pod, FACTS)
    assert (ours.path("uid-web", "c") / "b").read_bytes() == b"\0\xff"
    assert (ours.path("uid-web", "s") / "p").read_bytes() == b"pw"
    (found,) = ours.mounts(pod, pod.spec.containers[0], {})
    assert (found.source, found.target, found.read_only) == (str(ours.path("uid-web", "c")), "/c", True)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Directory", "is not a directory"),
        ("File", "is not a file"),
        ("Socket", "is not a socket file"),
        ("BlockDevice", "is not a block device"),
    ],
)
async def test_host_paths_are_checked(tmp_path: Path, kind: str, message: str) -> None:
    given = [{"name": "h", "hostPath": {"path": str(tmp_path / "none"), "type": kind}}]
    with pytest.raises(MountError, match=message):
        await volumes(tmp_path).prepare(typed_pod(volumes=given), FACTS)


async def test_host_paths_are_made_where_asked(tmp_path: Path) -> None:
    given = [
        {"name": "d", "hostPath": {"path": str(tmp_path / "d"), "type": "DirectoryOrCreate"}},
        {"name": "f", "hostPath": {"path": str(tmp_path / "f"), "type": "FileOrCreate"}},
    ]
    await volumes(tmp_path).prepare(typed_pod(volumes=given), FACTS)
    assert (tmp_path / "d").is_dir() and (tmp_path / "f").is_file()


async def test_other_kinds_are_refused_in_words(tmp_path: Path) -> None:
    given = [{"name": "n", "nfs": {"server": "s", "path": "/"}}]
    with pytest.raises(MountError, match="podling does not support volumes of the kind nfs yet"):
        await volumes(tmp_path).prepare(typed_pod(volumes=given), FACTS)
