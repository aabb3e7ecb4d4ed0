import base64
import os
from pathlib import Path
from typing import Any

import pytest

from kubelet.downward import PodFacts
from kubelet.environment import Source
from kubelet.volumes import empty_dir, mounts
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
    with pytest.raises(PayloadError, match="configmap references non-existent config key: a"):
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


async def test_empty_volumes_are_open_to_all_and_then_the_pods_own(tmp_path: Path) -> None:
    ours = volumes(tmp_path)
    pod = typed_pod(volumes=[{"name": "e", "emptyDir": {}}])
    await ours.prepare(pod, FACTS)
    assert ours.path("uid-web", "e").stat().st_mode & 0o7777 == 0o777
    ours.path("uid-web", "e").chmod(0o700)
    await ours.prepare(pod, FACTS)
    assert ours.path("uid-web", "e").stat().st_mode & 0o7777 == 0o700


async def test_an_empty_volume_is_complete_or_not_there(tmp_path: Path) -> None:
    half_made = tmp_path / "pods" / "uid-web" / "volumes" / ".e"
    half_made.mkdir(parents=True)
    ours = volumes(tmp_path)
    await ours.prepare(typed_pod(volumes=[{"name": "e", "emptyDir": {}}]), FACTS)
    assert ours.path("uid-web", "e").stat().st_mode & 0o7777 == 0o777 and not half_made.exists()


@needs_root
@pytest.mark.parametrize("policy", ["Always", "OnRootMismatch"])
@pytest.mark.parametrize("medium", ["", "Memory"])
async def test_volumes_of_a_group_are_the_groups(tmp_path: Path, medium: str, policy: str) -> None:
    """They begin empty with their pod, so that there is nothing which either policy might leave as it is."""
    client = FakeClient()
    client.add(SECRETS, {"metadata": {"name": "s"}, "data": {"p": base64.b64encode(b"pw").decode()}})
    given = [{"name": "e", "emptyDir": {"medium": medium}}]
    given += [{"name": "s", "secret": {"secretName": "s", "defaultMode": 0o400}}]  # type: ignore[dict-item]
    pod = typed_pod(volumes=given, securityContext={"fsGroup": 4711, "fsGroupChangePolicy": policy})
    ours = volumes(tmp_path, client)
    await ours.prepare(pod, FACTS)
    found, secret = ours.path("uid-web", "e").stat(), (ours.path("uid-web", "s") / "p").stat()
    await ours.remove("uid-web")
    assert (found.st_gid, found.st_mode & 0o7777) == (4711, 0o2777)
    assert (secret.st_gid, secret.st_mode & 0o7777) == (4711, 0o440)


@needs_root
async def test_secrets_never_reach_a_disk(tmp_path: Path) -> None:
    client = FakeClient()
    client.add(SECRETS, {"metadata": {"name": "s"}, "data": {"p": base64.b64encode(b"pw").decode()}})
    ours = volumes(tmp_path, client)
    await ours.prepare(typed_pod(volumes=[{"name": "s", "secret": {"secretName": "s"}}]), FACTS)
    assert mounts.is_mounted(ours.path("uid-web", "s"))
    await ours.remove("uid-web")


@needs_root
async def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "pods"
    folder.mkdir()
    mounts.mount_tmpfs(folder, {"size": "65536"})
    try:
        client = FakeClient()
        client.add(CONFIG_MAPS, {"metadata": {"name": "conf"}, "data": {"a": "1"}})
        ours, pod = volumes(tmp_path, client), typed_pod(volumes=[{"name": "c", "configMap": {"name": "conf"}}])
        await ours.prepare(pod, FACTS)
        changed = {"metadata": {"name": "conf", "namespace": "default"}, "data": {"a": "2" * 100_000}}
        await client.update(CONFIG_MAPS, changed)
        with pytest.raises(MountError, match="No space left on device") as told:
            await ours.prepare(pod, FACTS)
        volume = ours.path("uid-web", "c")
        assert told.value.volume == "c" and (volume / "a").read_text() == "1"
        assert len(list(volume.iterdir())) == 3, "what was half written is given back"
        await client.update(CONFIG_MAPS, {**changed, "data": {"a": "3"}})
        await ours.prepare(pod, FACTS)
        assert (volume / "a").read_text() == "3"
    finally:
        mounts.unmount(folder)


@needs_root
async def test_nothing_is_deleted_behind_a_mount(tmp_path: Path) -> None:
    """A busy mount, of a path within a hostPath, is taken away; the host's own files stay."""
    host, real = tmp_path / "host", tmp_path / "real"
    (host / "inner").mkdir(parents=True)
    real.mkdir()
    (tmp_path / "pods").symlink_to(real)  # the kernel tells mounts without links
    (host / "inner" / "kept").write_text("x")
    mount = {"name": "h", "mountPath": "/h", "subPath": "inner"}
    pod = typed_pod(
        [{"name": "app", "volumeMounts": [mount]}], volumes=[{"name": "h", "hostPath": {"path": str(host)}}]
    )
    ours = volumes(tmp_path)
    await ours.prepare(pod, FACTS)
    (found,) = ours.mounts(pod, pod.spec.containers[0], {})
    busy = os.open(f"{found.source}/kept", os.O_RDONLY)
    await ours.remove("uid-web")
    os.close(busy)
    assert (host / "inner" / "kept").read_text() == "x" and not (tmp_path / "pods" / "uid-web").exists()


@pytest.mark.parametrize(
    ("size", "limits", "node", "expected"),
    [
        ("1Mi", ["2Mi"], "8Mi", 1 << 20),
        ("4Mi", ["2Mi"], "8Mi", 2 << 20),
        ("4Mi", ["1Mi", "2Mi"], "8Mi", 3 << 20),
        (None, ["2Mi", None], "8Mi", 8 << 20),
        (None, [None], "", 0),
    ],
)
def test_memory_volumes_hold_no_more_than_the_pod_may(size: Any, limits: Any, node: str, expected: int) -> None:
    containers = [
        {"name": f"c{index}", "resources": {"limits": {"memory": each}} if each else {}}
        for index, each in enumerate(limits)
    ]
    volume = {"name": "m", "emptyDir": {"medium": "Memory", **({"sizeLimit": size} if size else {})}}
    pod = typed_pod(containers, volumes=[volume])
    assert empty_dir.memory_bytes(pod, pod.spec.volumes[0], node) == expected


@pytest.mark.parametrize(
    ("medium", "asked", "expected"),
    [
        ("HugePages", ["hugepages-2Mi"], 2 << 20),
        ("HugePages-1Gi", ["hugepages-2Mi", "hugepages-1Gi"], 1 << 30),
        (
            "HugePages",
            ["hugepages-2Mi", "hugepages-1Gi"],
            "if container requests multiple huge page sizes",
        ),
        ("HugePages", ["memory"], "hugePages storage requested, but there is no resource request for huge pages"),
        ("HugePages-1Gi", ["hugepages-2Mi"], "there is no resource request for huge pages"),
    ],
)
def test_huge_pages_are_those_that_the_pod_asks_for(medium: str, asked: list[str], expected: Any) -> None:
    pod = typed_pod([{"name": "app", "resources": {"requests": dict.fromkeys(asked, "2Mi")}}])
    if isinstance(expected, int):
        assert empty_dir.page_bytes(pod, medium) == expected
    else:
        with pytest.raises(PayloadError, match=expected):
            empty_dir.page_bytes(pod, medium)


@needs_root
async def test_huge_pages_are_mounted(tmp_path: Path) -> None:
    pod = typed_pod(
        [{"name": "app", "resources": {"requests": {"hugepages-2Mi": "2Mi"}}}],
        volumes=[{"name": "h", "emptyDir": {"medium": "HugePages"}}],
    )
    ours = volumes(tmp_path)
    await ours.prepare(pod, FACTS)
    assert os.statvfs(ours.path("uid-web", "h")).f_bsize == 2 << 20
    await ours.remove("uid-web")


@pytest.mark.parametrize(
    ("users", "group", "expected"),
    [
        ([], None, (0o644, None)),
        ([1000], None, (0o600, 1000)),
        ([1000, 1001], 5, (0o600, None)),
        ([7, 7], 5, (0o600, 7)),
    ],
)
def test_tokens_are_nobody_elses_to_read(users: list[int], group: int | None, expected: Any) -> None:
    containers = [{"name": f"c{n}", "securityContext": {"runAsUser": user}} for n, user in enumerate(users)]
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
    context = {} if group is None else {"fsGroup": group}
    pod = typed_pod(
        containers or None, volumes=[{"name": "v", "projected": {"sources": [source]}}], securityContext=context
    )
    found = files(pod, pod.spec.volumes[0], Parts({}, {TokenNeed("", 600): "jwt"}, FACTS))
    assert (found["token"].mode, found["token"].owner) == expected


@pytest.mark.parametrize("source", ["clusterTrustBundle", "podCertificate"])
async def test_sources_that_podling_has_not_are_refused_in_words(tmp_path: Path, source: str) -> None:
    body = {"clusterTrustBundle": {"path": "p"}, "podCertificate": {"signerName": "s/s", "keyType": "ED25519"}}
    with pytest.raises(PayloadError, match=f"{source}: podling"):
        lay_out({"projected": {"sources": [{source: body[source]}]}})


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


async def test_other_kinds_are_refused_in_words(tmp_path: Path) -> None:
    given = [{"name": "n", "nfs": {"server": "s", "path": "/"}}]
    with pytest.raises(MountError, match="nfs: podling mounts no remote file systems or disks; use hostPath"):
        await volumes(tmp_path).prepare(typed_pod(volumes=given), FACTS)
