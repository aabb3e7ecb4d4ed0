"""kubectl top, over what the kubelet reads of containers; pods of one namespace, made once."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.asking import Pods, ready
from tests.e2e.conftest import Cluster, kubectls
from tests.e2e.manifests import FOREVER, manifest, shell

BUSY = manifest(
    "busy",
    [
        shell("while :; do :; done", "burn", resources={"limits": {"cpu": "150m", "memory": "64Mi"}}),
        shell(f"x=$(head -c 8000000 /dev/zero | tr '\\0' x); {FOREVER}", "hold"),
    ],
    terminationGracePeriodSeconds=0,
)
ENDED = manifest("ended", [shell("exit 0")], restartPolicy="Never")


@pytest.fixture(scope="module")
def measured(cluster: Cluster, eventually: Callable[..., None]) -> Iterator[Pods]:
    """Two pods, of which one has ended; metrics of the other are there."""
    cluster.kubectl("create", "namespace", "top")
    pods = Pods(cluster.kubectl, "top", eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    for each in (BUSY, ENDED):
        pods.create(each)
    pods.until("busy", ready)
    pods.until("ended", lambda pod: pod["status"].get("phase") == "Succeeded")
    eventually(lambda: settled(usage(pods)), 30, lambda: str(usage(pods)))
    yield pods
    cluster.kubectl("delete", "namespace", "top", "--wait=false", check=False)


def settled(found: dict[str, dict[str, str]]) -> bool:
    return 100 <= milli(found["burn"]["cpu"]) <= 200 and kibi(found["hold"]["memory"]) > 7000


def usage(pods: Pods) -> dict[str, dict[str, str]]:
    found = pods("get", "--raw", f"/apis/metrics.k8s.io/v1beta1/namespaces/{pods.namespace}/pods/busy").stdout
    return {each["name"]: each["usage"] for each in json.loads(found)["containers"]}


def milli(cpu: str) -> int:
    return int(cpu.removesuffix("n")) // 10**6


def kibi(memory: str) -> int:
    return int(memory.removesuffix("Ki"))


def test_a_container_uses_the_cpu_that_it_is_let_and_the_memory_that_it_holds(measured: Pods) -> None:
    found = usage(measured)
    assert milli(found["hold"]["cpu"]) < 100
    assert kibi(found["burn"]["memory"]) < 7000 < kibi(found["hold"]["memory"]) < 64000


@pytest.mark.parametrize("program", kubectls())
def test_kubectl_top_of_pods_containers_and_nodes(cluster: Cluster, measured: Pods, program: str) -> None:
    def rows(*words: str) -> list[list[str]]:
        done = cluster.kubectl(*words, program=program)
        return [line.split() for line in done.stdout.splitlines()[1:]]

    [pod] = rows("top", "pod", "-n", "top")
    assert pod[0] == "busy" and pod[1].endswith("m") and pod[2].endswith("Mi")
    containers = rows("top", "pod", "-n", "top", "--containers", "--sort-by=cpu")
    assert [row[1] for row in containers] == ["burn", "hold"]
    containers = rows("top", "pod", "-n", "top", "--containers", "--sort-by=memory")
    assert [row[1] for row in containers] == ["hold", "burn"]
    assert [row[1] for row in rows("top", "pod", "-A", "-l", "app=busy")] == ["busy"]
    [node] = rows("top", "node")
    assert node[0] == "n1" and node[2].endswith("%") and node[4].endswith("%")


def test_what_is_not_measured_is_not_found(measured: Pods) -> None:
    refused = measured("get", "pods.metrics.k8s.io", "ended", check=False).stderr
    assert 'podmetrics.metrics.k8s.io "top/ended" not found' in refused
    assert 'pods "nope" not found' in measured("get", "pods.metrics.k8s.io", "nope", check=False).stderr
    assert 'nodes "nope" not found' in measured("get", "nodes.metrics.k8s.io", "nope", check=False).stderr


def test_metrics_are_a_resource_like_others(measured: Pods) -> None:
    assert measured("get", "pods.metrics.k8s.io", "--no-headers").stdout.split()[0] == "busy"
    listed = measured("api-resources", "--api-group=metrics.k8s.io", "--no-headers").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["nodes", "pods"]
    assert "(MethodNotAllowed)" in measured("delete", "pods.metrics.k8s.io", "busy", check=False).stderr


def test_who_may_view_a_namespace_may_see_what_its_pods_use(measured: Pods) -> None:
    refused = measured("top", "pod", "--as=jane", check=False).stderr
    assert 'User "jane" cannot list resource "pods" in API group "metrics.k8s.io"' in refused
    measured("create", "rolebinding", "views", "--clusterrole=view", "--user=jane")
    measured.eventually(lambda: "busy" in measured("top", "pod", "--as=jane", check=False).stdout)
