"""The Docker engine stopped and started under running pods: a second dockerd, which a cluster of its own uses."""

import json
import shutil
import subprocess
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods, ready
from tests.e2e.conftest import Cluster, eventually, running
from tests.e2e.manifests import FOREVER, manifest, pod, shell

FAILS_WHEN_TOLD_TO_END = FOREVER.replace("exit 0", "exit 5")


class OwnEngine:
    """With neither bridge nor packet filter, in a network of its own: without a bridge dockerd takes the host's docker0
    away. Its socket's path must be short."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        folders = [f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec", f"--pidfile={self.folder}/pid"]
        alone = ["--bridge=none", "--iptables=false", "--ip-masq=false", "--storage-driver=vfs"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "dockerd", *folders, *alone, f"--host={self.host}"], stdout=log, stderr=log
            )
        eventually(lambda: not Engine(self.host).problem(), 30, lambda: (self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(60)

    def containers(self) -> list[str]:
        """The names of those that run."""
        listed = ["docker", f"--host={self.host}", "ps", "--format", "{{.Names}}"]
        return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def own(engine: Engine) -> Iterator[OwnEngine]:
    if not shutil.which("dockerd") or not shutil.which("docker"):
        pytest.skip("no dockerd on PATH to stop and start")
    made = OwnEngine(Path(tempfile.mkdtemp(prefix="pod-")))
    try:
        made.start()
        with subprocess.Popen(["docker", "save", "busybox"], stdout=subprocess.PIPE) as save:
            load = ["docker", f"--host={made.host}", "load"]
            subprocess.run(load, stdin=save.stdout, check=True, capture_output=True)
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(
    own: OwnEngine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("cluster"))
    made.environment["DOCKER_HOST"] = own.host
    with running(made, request):
        yield made


def node_is(cluster: Cluster, status: str) -> dict[str, Any] | None:
    """The Ready condition, once it has this status."""
    node = json.loads(cluster.kubectl("get", "node", "n1", "-o", "json").stdout)
    found = next(each for each in node["status"]["conditions"] if each["type"] == "Ready")
    return dict(found) if found["status"] == status else None


def test_pods_come_back_with_their_engine_and_nothing_is_doubled(own: OwnEngine, cluster: Cluster, pods: Pods) -> None:
    page = shell("hostname > /index.html; httpd -f -p 8080 -h /")
    pods.create(manifest("always", [page, shell(FOREVER, "beside")]))
    pods.create(pod("never", "sh", "-c", FOREVER, restartPolicy="Never"))
    pods.create(pod("done", "sh", "-c", "exit 0", restartPolicy="Never"))
    pods.create(pod("on-failure", "sh", "-c", FAILS_WHEN_TOLD_TO_END, restartPolicy="OnFailure"))
    work = {"volumeMounts": [{"name": "work", "mountPath": "/work"}]}
    first = shell("echo ran >> /work/runs", "first", **work)
    side = shell(FOREVER, "side", restartPolicy="Always")
    volumes = [{"name": "work", "emptyDir": {}}]
    pods.create(manifest("in-order", [shell(FOREVER, **work)], initContainers=[first, side], volumes=volumes))
    before = pods.running("always")
    for name in ("never", "on-failure", "in-order"):
        pods.running(name)
    pods.until_status("done", "Completed")

    own.stop()
    eventually(lambda: node_is(cluster, "False"), 60)
    condition = node_is(cluster, "False")
    assert condition and condition["reason"] == "KubeletNotReady" and "engine" in condition["message"], condition
    assert {row.split()[0] for row in pods("get", "pods", "--no-headers", timeout=30).stdout.splitlines()} == {
        "always",
        "never",
        "done",
        "on-failure",
        "in-order",
    }
    refused = pods("exec", "always", "-c", "app", "--", "true", check=False)
    assert refused.returncode != 0 and refused.stderr
    pods.create(pod("meanwhile", "sh", "-c", FOREVER))

    own.start()
    eventually(lambda: node_is(cluster, "True"))
    pods.until("always", lambda found: ready(found) and restarts(found) == [1, 1])
    pods.running("meanwhile")
    pods.until("never", lambda found: found["status"]["phase"] == "Succeeded")  # its engine told it to end
    assert pods.status("done") == "Completed"
    pods.until("on-failure", lambda found: ready(found) and restarts(found) == [1])
    pods.until("in-order", lambda found: ready(found) and restarts(found) == [1])
    assert pods.exec("in-order", "cat", "/work/runs").stdout == "ran\nran\n"  # a new sandbox begins anew
    after = pods.get("always")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    address = after["status"]["podIP"]
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=20) as answer:
        assert answer.read() == b"always\n"
    names = sorted(name.split("_")[1] + "." + name.split("_")[2] for name in own.containers())
    here = {"always": ["app", "beside"], "meanwhile": ["app"], "on-failure": ["app"], "in-order": ["app", "side"]}
    assert names == sorted(f"{each}.{name}" for name, members in here.items() for each in ("POD", *members))


def restarts(found: dict[str, Any]) -> list[int]:
    return [each["restartCount"] for each in found["status"]["containerStatuses"]]
