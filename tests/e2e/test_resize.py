"""Resources of running pods changed through kubectl, and seen on the engine."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from tests.e2e.asking import Pods, container, ready
from tests.e2e.conftest import Cluster
from tests.e2e.manifests import FOREVER, manifest, shell

Data = dict[str, Any]


def sized(cpu: str, memory: str) -> Data:
    return {side: {"cpu": cpu, "memory": memory} for side in ("limits", "requests")}


RESTARTS = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
MANIFESTS = [
    manifest("live", [shell(FOREVER, resources=sized("100m", "64Mi"))]),
    manifest("again", [shell(FOREVER, resources=sized("100m", "64Mi"), resizePolicy=RESTARTS)]),
    manifest(
        "full", [shell("x=$(head -c 20000000 /dev/zero | tr '\\0' x); " + FOREVER, resources=sized("100m", "64Mi"))]
    ),
]


@pytest.fixture(scope="module")
def resized(cluster: Cluster, eventually: Callable[..., None]) -> Iterator[Pods]:
    cluster.kubectl("create", "namespace", "resize")
    pods = Pods(cluster.kubectl, "resize", eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    for each in MANIFESTS:
        pods.create(each)
    for name in ("live", "again", "full"):
        pods.until(name, ready)
    yield pods
    cluster.kubectl("delete", "namespace", "resize", "--wait=false", check=False)


def resize(pods: Pods, name: str, resources: Data, check: bool = True) -> str:
    patch = json.dumps({"spec": {"containers": [{"name": "app", "resources": resources}]}})
    done = pods("patch", "pod", name, "--subresource", "resize", "-p", patch, check=check)
    return done.stdout + done.stderr


def host_config(pods: Pods, name: str) -> Data:
    id = container(pods.get(name))["containerID"].removeprefix("docker://")
    client = docker.APIClient(version="auto")
    try:
        found: Data = client.inspect_container(id)["HostConfig"]
        return found
    finally:
        client.close()


def condition(pod: Data, type_: str) -> Data:
    return next((dict(each) for each in pod["status"]["conditions"] if each["type"] == type_), {})


def is_sized(resources: Data) -> Callable[[Data], bool]:
    return lambda pod: container(pod)["resources"] == resources and not condition(pod, "PodResizeInProgress")


def test_a_container_is_resized_while_it_runs(resized: Pods) -> None:
    before = resized.get("live")
    resize(resized, "live", sized("250m", "96Mi"))
    resized.until("live", is_sized(sized("250m", "96Mi")))
    after, host = resized.get("live"), host_config(resized, "live")
    assert container(after)["containerID"] == container(before)["containerID"]
    assert container(after)["restartCount"] == 0
    assert container(after)["allocatedResources"] == {"cpu": "250m", "memory": "96Mi"}
    assert (host["CpuQuota"], host["CpuShares"], host["Memory"], host["MemorySwap"]) == (25000, 256, 96 << 20, 96 << 20)
    files = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max"
    assert str(96 << 20) in resized.exec("live", "sh", "-c", files).stdout
    reasons = [reason for reason, _ in resized.events("live")]
    assert "ResizeStarted" in reasons and "ResizeCompleted" in reasons


def test_a_container_is_restarted_where_its_policy_says_so(resized: Pods) -> None:
    resize(resized, "again", sized("200m", "64Mi"))
    resized.until("again", is_sized(sized("200m", "64Mi")))
    assert container(resized.get("again"))["restartCount"] == 0, "its cpu needs no restart"
    resize(resized, "again", sized("200m", "96Mi"))
    resized.until("again", is_sized(sized("200m", "96Mi")))
    resized.until("again", ready)
    assert container(resized.get("again"))["restartCount"] == 1
    assert ("Killing", "Container app resize requires restart") in resized.events("again")


def test_more_than_the_node_has_is_infeasible_until_it_is_taken_back(resized: Pods) -> None:
    kept = container(resized.get("live"))["resources"]
    resize(resized, "live", sized("1k", "96Mi"))
    resized.until("live", lambda pod: condition(pod, "PodResizePending").get("reason") == "Infeasible")
    waits = condition(resized.get("live"), "PodResizePending")
    assert waits["message"].startswith("Node didn't have enough capacity: cpu, requested: 1000000, capacity: ")
    assert container(resized.get("live"))["resources"] == kept
    resize(resized, "live", kept)
    resized.until("live", lambda pod: not condition(pod, "PodResizePending"))


def test_memory_in_use_is_not_taken_away(resized: Pods) -> None:
    resize(resized, "full", sized("100m", "8Mi"))
    resized.until("full", lambda pod: condition(pod, "PodResizeInProgress").get("reason") == "Error")
    said = condition(resized.get("full"), "PodResizeInProgress")["message"]
    assert said.startswith(
        'cannot decrease memory limits: attempting to set container "app" memory limit (8388608) below'
    )
    assert ready(resized.get("full")) and host_config(resized, "full")["Memory"] == 64 << 20


def test_what_a_resize_may_not_do_is_refused(resized: Pods) -> None:
    words = "Pod QOS Class may not change as a result of resizing"
    assert words in resize(resized, "live", {"limits": {"cpu": "1"}, "requests": {"cpu": "250m"}}, check=False)
    words = "only cpu and memory resources are mutable"
    assert words in resize(resized, "live", {"limits": {"ephemeral-storage": "1Gi"}}, check=False)
    plain = resized(
        "patch", "pod", "live", "-p", '{"spec":{"containers":[{"name":"app","resources":{}}]}}', check=False
    )
    assert plain.returncode == 0 or "Forbidden" in plain.stderr
