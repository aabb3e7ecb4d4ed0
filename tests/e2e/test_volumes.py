"""What stands in a pod's volumes, how containers see them, and what becomes of them."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker as docker_sdk
import pytest

from tests.e2e.asking import container
from tests.e2e.manifests import FOREVER, manifest, shell

SHOW = "for f in \"$@\"; do echo \"$f $(stat -L -c '%a %u:%g' $f) $(cat $f 2>/dev/null | tr '\\n' ';')\"; done"


def volume(name: str, **source: Any) -> dict[str, Any]:
    return {"name": name, **source}


def mount(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "mountPath": path, **more}


def shows(*paths: str) -> tuple[list[str], str]:
    return ["sh", *paths], SHOW


def message(pods: Any, name: str, container_name: str = "app") -> str:
    waiting = container(pods.get(name), container_name).get("state", {}).get("waiting", {})
    return str(waiting.get("message", "")) if waiting.get("reason") == "CreateContainerConfigError" else ""


def test_volumes_hold_what_the_manifest_says(pods: Any, tmp_path: Path) -> None:
    pods("create", "configmap", "conf", "--from-literal=a=1", "--from-literal=b=2")
    pods("create", "secret", "generic", "keys", "--from-literal=p=pw", "--from-literal=q=qw")
    (tmp_path / "there").write_text("of the host")
    here = {"fieldRef": {"fieldPath": "metadata.labels['app']"}}
    cpu = {"resourceFieldRef": {"containerName": "app", "resource": "limits.cpu", "divisor": "1m"}}
    projected = [
        {"configMap": {"name": "conf", "items": [{"key": "b", "path": "conf/b", "mode": 0o640}]}},
        {"secret": {"name": "keys", "items": [{"key": "p", "path": "keys/p"}]}},
        {"downwardAPI": {"items": [{"path": "me", "mode": 0o400, **here}]}},
        {"configMap": {"name": "none", "optional": True}},
        {"secret": {"name": "keys", "items": [{"key": "none", "path": "none"}], "optional": True}},
    ]
    volumes = [
        volume("conf", configMap={"name": "conf", "defaultMode": 0o400}),
        volume("some", configMap={"name": "conf", "items": [{"key": "a", "path": "deep/x", "mode": 0o600}]}),
        volume("none", configMap={"name": "none", "optional": True}),
        volume("keys", secret={"secretName": "keys", "items": [{"key": "p", "path": "pass"}], "defaultMode": 0o440}),
        volume("gone", secret={"secretName": "none", "optional": True}),
        volume("me", downwardAPI={"defaultMode": 0o444, "items": [{"path": "who", **here}, {"path": "cpu", **cpu}]}),
        volume("all", projected={"sources": projected, "defaultMode": 0o444}),
        volume("made", hostPath={"path": str(tmp_path / "made"), "type": "DirectoryOrCreate"}),
        volume("there", hostPath={"path": str(tmp_path / "there"), "type": "File"}),
    ]
    mounts = [mount(each["name"], f"/{each['name']}") for each in volumes]
    paths = ["/conf/a", "/conf/b", "/some/deep/x", "/keys/pass", "/me/who", "/me/cpu"]
    paths += ["/all/conf/b", "/all/keys/p", "/all/me", "/there"]
    arguments, script = shows(*paths)
    script = "exec 2>&1; " + script + "; ls /none /gone /some /all; touch /conf/x /keys/x; touch /made/x && echo made; "
    script += "grep -c ' /keys tmpfs' /proc/mounts"
    app = shell(script, args=arguments, volumeMounts=mounts, resources={"limits": {"cpu": "250m"}})
    pods.create(manifest("holds", [app], volumes=volumes, restartPolicy="Never"))
    pods.until_status("holds", "Completed", "Error")
    assert pods("logs", "holds").stdout.splitlines() == [
        "/conf/a 400 0:0 1",
        "/conf/b 400 0:0 2",
        "/some/deep/x 600 0:0 1",
        "/keys/pass 440 0:0 pw",
        "/me/who 444 0:0 holds",
        "/me/cpu 444 0:0 250",
        "/all/conf/b 640 0:0 2",
        "/all/keys/p 444 0:0 pw",
        "/all/me 400 0:0 holds",
        "/there 644 0:0 of the host",
        *("/all:", "conf", "keys", "me", "", "/gone:", "", "/none:", "", "/some:", "deep"),
        "touch: /conf/x: Read-only file system",
        "touch: /keys/x: Read-only file system",
        "made",
        "1",
    ]
    assert (tmp_path / "made" / "x").exists()


def test_containers_share_volumes_as_they_mount_them(pods: Any, cluster: Any) -> None:
    """Disk and memory, read-only, paths within, over each other and onto files, a group's own; then nothing stays."""
    volumes = [
        volume("disk", emptyDir={}),
        volume("fast", emptyDir={"medium": "Memory", "sizeLimit": "1Mi"}),
        volume("conf", configMap={"name": "conf"}),
    ]
    pods("create", "configmap", "conf", "--from-literal=passwd=nobody")
    mounts = [
        mount("fast", "/a/b"),
        mount("disk", "/a"),
        mount("disk", "/ro", readOnly=True),
        mount("disk", "/sub", subPath="deep/er"),
        mount("disk", "/mine", subPathExpr="of/$(WHO)"),
        mount("conf", "/etc/passwd", subPath="passwd"),
    ]
    who = {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    arguments, script = shows("/a", "/a/deep/er", "/a/b", "/etc/passwd", "/a/of/shares/x")
    script = (
        "exec 2>&1; touch /mine/x /sub/y /a/z; "
        + script
        + "; touch /ro/x; dd if=/dev/zero of=/a/b/full bs=1M count=2 2>&1 | grep full; id -G; "
        + FOREVER
    )
    app = shell(script, args=arguments, volumeMounts=mounts, env=[who])
    other = shell(FOREVER, "other", volumeMounts=[mount("disk", "/d"), mount("fast", "/f")])
    context = {"fsGroup": 4711, "runAsUser": 1000, "runAsGroup": 1000}
    pods.create(manifest("shares", [app, other], volumes=volumes, securityContext=context))
    pod = pods.running("shares")
    pods.eventually(lambda: "1000 4711\n" in pods("logs", "shares", "-c", "app").stdout)
    assert pods("logs", "shares", "-c", "app").stdout.splitlines() == [
        "/a 2777 0:4711 ",
        "/a/deep/er 2777 0:4711 ",
        "/a/b 2777 0:4711 ",
        "/etc/passwd 644 0:4711 nobody",
        "/a/of/shares/x 644 1000:4711 ",
        "touch: /ro/x: Read-only file system",
        "dd: error writing '/a/b/full': No space left on device",
        "1000 4711",
    ]
    found = pods.exec("shares", "ls", "/d", "/d/deep/er", "/f", container="other").stdout.split()
    assert found == ["/d:", "b", "deep", "of", "z", "/d/deep/er:", "y", "/f:", "full"]
    told = {each["mountPath"]: each for each in container(pod)["volumeMounts"]}
    assert told["/ro"] == {"name": "disk", "mountPath": "/ro", "readOnly": True, "recursiveReadOnly": "Disabled"}
    folder = cluster.state.kubelet("n1") / "pods" / pod["metadata"]["uid"]
    busy = os.open(folder / "volumes" / "fast", os.O_RDONLY)
    try:
        assert stat.S_IMODE((folder / "volumes" / "disk").stat().st_mode) == 0o2777
        pods("delete", "pod", "shares", "--now")
        pods.gone("shares")
    finally:
        os.close(busy)
    assert not folder.exists() and str(folder) not in Path("/proc/self/mounts").read_text()


def test_volumes_follow_what_they_are_made_of(pods: Any) -> None:
    """At once, and all files together; not where a path within is mounted, nor what is immutable."""
    pods("create", "configmap", "conf", "--from-literal=a=1", "--from-literal=b=1")
    fixed = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "fixed"},
        "data": {"a": "1"},
        "immutable": True,
    }
    pods("create", "-f", "-", input=json.dumps(fixed))
    pods("create", "secret", "generic", "keys", "--from-literal=p=1")
    labels = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    volumes = [
        volume("conf", configMap={"name": "conf"}),
        volume("fixed", configMap={"name": "fixed"}),
        volume("all", projected={"sources": [{"secret": {"name": "keys"}}, {"downwardAPI": {"items": labels}}]}),
        volume("later", secret={"secretName": "later", "optional": True}),
    ]
    mounts = [mount(each["name"], f"/{each['name']}") for each in volumes]
    mounts.append(mount("conf", "/still", subPath="a"))
    watches = (
        "while sleep 0.01; do (cd -P /conf/..data && x=$(cat a) && y=$(cat b) && [ $x != $y ] && echo torn) "
        ">> /tmp/seen 2> /dev/null; done & "
    )
    pods.create(manifest("follows", [shell(watches + FOREVER, volumeMounts=mounts)], volumes=volumes))
    pods.running("follows")
    for value in "234":
        pods("patch", "configmap", "conf", "-p", json.dumps({"data": {"a": value, "b": value}}))
    pods("patch", "secret", "keys", "-p", '{"stringData":{"p":"2"}}')
    pods("label", "pod", "follows", "tier=web")
    pods("create", "secret", "generic", "later", "--from-literal=l=come")
    pods("delete", "configmap", "fixed")
    script = "cat /conf/a /conf/b /all/p /later/l 2>/dev/null; tail -n1 /all/labels"
    wanted = '442cometier="web"'
    pods.eventually(lambda: pods.exec("follows", "sh", "-c", script).stdout == wanted)
    assert pods.exec("follows", "cat", "/still", "/fixed/a").stdout == "11"
    assert pods.exec("follows", "cat", "/tmp/seen", check=False).stdout == ""


def test_what_cannot_be_mounted_is_said(pods: Any, tmp_path: Path) -> None:
    pods("create", "configmap", "conf", "--from-literal=a=1")
    faults = {
        "absent": (volume("v", configMap={"name": "later"}), 'configmap "later" not found'),
        "key": (
            volume("v", configMap={"name": "conf", "items": [{"key": "b", "path": "b"}]}),
            "configmap references non-existent config key: b",
        ),
        "secret": (volume("v", secret={"secretName": "none"}), 'secret "none" not found'),
        "file": (
            volume("v", hostPath={"path": str(tmp_path), "type": "File"}),
            f"hostPath type check failed: {tmp_path} is not a file",
        ),
        "nfs": (volume("v", nfs={"server": "s", "path": "/"}), "nfs: podling mounts no remote file systems or disks"),
        "claim": (volume("v", persistentVolumeClaim={"claimName": "c"}), "podling has no persistent volumes yet"),
    }
    for name, (source, _) in faults.items():
        app = shell("cat /v/*", volumeMounts=[mount("v", "/v")])
        pods.create(manifest(name, [app], volumes=[source], restartPolicy="Never"))

    def told(name: str) -> str:
        return " ".join(text for reason, text in pods.events(name) if reason == "FailedMount")

    for name, (_, words) in faults.items():
        pods.eventually(lambda n=name: told(n), 60, lambda n=name: pods.described(n))
        assert told(name).startswith('MountVolume.SetUp failed for volume "v" : ') and words in told(name)
        assert pods.status(name) == "ContainerCreating"
    pods("create", "configmap", "later", "--from-literal=a=come")
    pods.until_status("absent", "Completed")
    assert pods("logs", "absent").stdout == "come"


def test_no_link_leads_out_of_a_volume(pods: Any, docker: Any) -> None:
    init = shell("ln -s /etc /v/out; ln -s inner /v/in; mkdir /v/inner; echo fine > /v/inner/x", "init")
    init["volumeMounts"] = [mount("v", "/v")]
    read_only = {"readOnly": True, "recursiveReadOnly": "Enabled"}
    containers = [
        shell("cat /in/x; " + FOREVER, "fine", volumeMounts=[mount("v", "/in", subPath="in")]),
        shell(FOREVER, "out", volumeMounts=[mount("v", "/out", subPath="out/shadow")]),
        shell("touch /v/x; " + FOREVER, "recursive", volumeMounts=[mount("v", "/v", **read_only)]),
    ]
    pods.create(manifest("links", containers, initContainers=[init], volumes=[volume("v", emptyDir={})]))
    pods.eventually(lambda: message(pods, "links", "out"), 20, lambda: pods.described("links"))
    assert message(pods, "links", "out") == 'failed to prepare subPath for volumeMount "v" of container "out"'
    pods.eventually(lambda: pods("logs", "links", "-c", "fine", check=False).stdout == "fine\n")
    client = docker_sdk.from_env()
    version = client.version()["Version"]
    client.close()
    if int(version.split(".")[0]) < 25:
        words = 'volume "v" requested recursive read-only mode, but it is not supported by the runtime'
        assert message(pods, "links", "recursive") == f"failed to resolve recursive read-only mode: {words}"
    else:
        assert "Read-only" in pods("logs", "links", "-c", "recursive").stdout


def test_a_restarted_container_finds_its_path_anew(pods: Any) -> None:
    mounts = [mount("v", "/v"), mount("v", "/sub", subPath="a")]
    first = "cat /sub/x || { mkdir /v/b; echo moved > /v/b/x; rm -r /v/a; mv /v/b /v/a; exit 1; }; "
    pods.create(manifest("again", [shell(first + FOREVER, volumeMounts=mounts)], volumes=[volume("v", emptyDir={})]))
    pods.eventually(lambda: container(pods.get("again")).get("restartCount") == 1 and pods.running("again"))
    assert pods("logs", "again").stdout == "moved\n"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A place whose mounts spread."""
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    subprocess.run(["mount", "--make-shared", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "-R", tmp_path], check=True)


def test_mounts_of_the_host_reach_containers_that_want_them(pods: Any, shared: Path) -> None:
    (shared / "in").mkdir()
    source = volume("v", hostPath={"path": str(shared)})
    containers = [
        shell(FOREVER, "wants", volumeMounts=[mount("v", "/v", mountPropagation="HostToContainer")]),
        shell(FOREVER, "not", volumeMounts=[mount("v", "/v", mountPropagation="None")]),
    ]
    pods.create(manifest("spreads", containers, volumes=[source]))
    pods.running("spreads")
    subprocess.run(["mount", "-t", "tmpfs", "none", shared / "in"], check=True)
    (shared / "in" / "x").write_text("new")
    assert pods.exec("spreads", "cat", "/v/in/x", container="wants").stdout == "new"
    assert pods.exec("spreads", "cat", "/v/in/x", container="not", check=False).returncode != 0


def test_images_are_volumes(pods: Any, docker: Any) -> None:
    """Their files, read-only, not to be executed; what cannot be had holds the containers that mount it, no others."""
    page = volume("page", image={"reference": "nigelpoulton/k8sbook:1.0", "pullPolicy": "IfNotPresent"})
    none = volume("none", image={"reference": "podling-test/none:1", "pullPolicy": "Never"})
    mounts = [mount("page", "/page"), mount("page", "/bin-of-it", subPath="usr/bin")]
    script = "exec 2>&1; ls /page/usr/bin/serve-page /bin-of-it/serve-page; touch /page/x; /page/bin/busybox true; "
    containers = [
        shell(script + FOREVER, volumeMounts=mounts),
        shell(FOREVER, "held", volumeMounts=[mount("none", "/n")]),
        shell(FOREVER, "lost", volumeMounts=[mount("page", "/n", subPath="no/such")]),
    ]
    pods.create(manifest("images", containers, volumes=[page, none]))
    pods.eventually(lambda: "denied" in pods("logs", "images", "-c", "app", check=False).stdout)
    assert pods("logs", "images", "-c", "app").stdout.splitlines() == [
        "/bin-of-it/serve-page",
        "/page/usr/bin/serve-page",
        "touch: /page/x: Read-only file system",
        "sh: /page/bin/busybox: Permission denied",
    ]
    held = container(pods.get("images"), "held")["state"]["waiting"]
    assert held["reason"] == "ErrImageNeverPull" and '"podling-test/none:1" is not present' in held["message"]
    words = 'failed to prepare subPath for volumeMount "page" of container "lost"'
    pods.eventually(lambda: message(pods, "images", "lost") == words, 10, lambda: pods.described("images"))
    uid = pods.get("images")["metadata"]["uid"]
    pods("delete", "pod", "images", "--now")
    pods.gone("images")
    client = docker_sdk.from_env()
    assert client.containers.list(all=True, filters={"label": f"podling.image-volume-of={uid}"}) == []
    client.close()
