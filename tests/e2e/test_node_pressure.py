"""A node whose disk runs short, and pods that ask for more than it has: a cluster on a small disk of its own."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, running
from tests.e2e.manifests import FOREVER, manifest, shell

DISK_MB = 200
CONFIGURATION = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "evictionHard": {"nodefs.available": "50%"},
    "evictionPressureTransitionPeriod": "5s",
    "systemReserved": {"cpu": "100m", "memory": "64Mi"},
    "maxPods": 8,
}


@pytest.fixture(scope="module")
def cluster(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    folder = tmp_path_factory.mktemp("cluster")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)], check=True)
    try:
        (folder / "kubelet.json").write_text(json.dumps(CONFIGURATION))
        made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", folder)
        with running(made, request, "--kubelet-config", str(folder / "kubelet.json")):
            yield made
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fills(megabytes: int) -> dict[str, Any]:
    script = f"head -c {megabytes}m /dev/zero > /data/file; {FOREVER}"
    return shell(script, volumeMounts=[{"name": "data", "mountPath": "/data"}])


DATA = [{"name": "data", "emptyDir": {}}]


def node(pods: Pods) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pods("get", "node", "n1", "-o", "json").stdout)
    return found


def disk_pressure(pods: Pods) -> str:
    conditions = node(pods)["status"]["conditions"]
    return str(next(each["status"] for each in conditions if each["type"] == "DiskPressure"))


def taints(pods: Pods) -> list[str]:
    return [taint["key"] for taint in node(pods)["spec"].get("taints", ())]


def test_the_pod_that_fills_the_disk_is_evicted_and_the_node_recovers(pods: Pods) -> None:
    pods.create(manifest("modest", [shell(FOREVER)]))
    pods.create(manifest("greedy", [fills(120)], volumes=DATA))
    small = [{"name": "data", "emptyDir": {"sizeLimit": "1Mi"}}]
    pods.create(manifest("limited", [fills(4)], volumes=small))
    pods.until("greedy", lambda pod: pod["status"].get("reason") == "Evicted")
    status = pods.get("greedy")["status"]
    assert status["phase"] == "Failed"
    assert status["message"].startswith(
        f"The node was low on resource: ephemeral-storage. Threshold quantity: {DISK_MB // 2}Mi, available: "
    )
    [condition] = [each for each in status["conditions"] if each["type"] == "DisruptionTarget"]
    assert (condition["status"], condition["reason"]) == ("True", "TerminationByKubelet")
    assert pods.status("greedy") in ("Evicted", "Error", "Completed")
    assert [message for reason, message in pods.events("greedy") if reason == "Evicted"] == [status["message"]]
    pods.eventually(lambda: disk_pressure(pods) == "True" and taints(pods) == ["node.kubernetes.io/disk-pressure"])
    pods.until("limited", lambda pod: pod["status"].get("reason") == "Evicted")
    assert pods.get("limited")["status"]["message"] == 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". '

    pods.create(manifest("refused", [shell(FOREVER)], nodeName="n1"))
    pods.until("refused", lambda pod: pod["status"].get("reason") == "Evicted")
    words = "Pod was rejected: The node had condition: [DiskPressure]. "
    assert pods.get("refused")["status"]["message"] == words

    pods("delete", "pod", "greedy", "limited", "refused")
    pods.eventually(lambda: disk_pressure(pods) == "False" and not taints(pods))
    assert pods.phase("modest") == "Running"


def test_what_is_reserved_is_not_for_pods_and_what_does_not_fit_is_refused(pods: Pods) -> None:
    status = node(pods)["status"]
    capacity, allocatable = status["capacity"], status["allocatable"]
    assert capacity["pods"] == allocatable["pods"] == "8"
    assert allocatable["cpu"] == f"{int(capacity['cpu']) * 1000 - 100}m"
    assert int(allocatable["memory"][:-2]) == int(capacity["memory"][:-2]) - (64 << 10)
    asked = {"resources": {"requests": {"cpu": "1000"}}}
    selected: dict[str, dict[str, Any]] = {"cpu": asked, "selector": {}}
    for name, more in selected.items():
        chosen = {"nodeSelector": {"disk": "none"}} if name == "selector" else {}
        pods.create(manifest(name, [shell(FOREVER, **more)], nodeName="n1", **chosen))
    refused: Callable[[dict[str, Any]], bool] = lambda pod: pod["status"].get("phase") == "Failed"  # noqa: E731
    pods.until("cpu", refused)
    told = pods.get("cpu")["status"]
    milli = int(capacity["cpu"]) * 1000 - 100
    amounts = f"requested: 1000000, used: 0, capacity: {milli}"
    assert told["reason"] == "OutOfcpu" and pods.status("cpu") == "OutOfcpu"
    assert told["message"] == f"Pod was rejected: Node didn't have enough resource: cpu, {amounts}"
    pods.until("selector", refused)
    assert pods.get("selector")["status"]["reason"] == "NodeAffinity"


def test_a_node_is_drained_and_comes_back(pods: Pods) -> None:
    pods.create(manifest("web", [shell(FOREVER)]))
    pods.running("web")
    try:
        pods("drain", "n1", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--pod-selector=app=web")
        pods.gone("web")
        pods.eventually(lambda: taints(pods) == ["node.kubernetes.io/unschedulable"])
    finally:
        pods("uncordon", "n1")
    pods.eventually(lambda: not taints(pods))
