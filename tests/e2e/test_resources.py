"""Limits of containers and pods, held by the kernel and by the kubelet; pods of one namespace, made together."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.asking import Pods, container, ready
from tests.e2e.conftest import Cluster, Kubectl
from tests.e2e.manifests import FOREVER, manifest, shell

Data = dict[str, Any]
FILL = "x=$(head -c 64000000 /dev/zero | tr '\\0' x); " + FOREVER
WRITE = "dd if=/dev/zero of=%s/full bs=1M count=4; " + FOREVER


def limits(**of: str) -> Data:
    return {"limits": {name.replace("_", "-"): amount for name, amount in of.items()}}


def once(name: str, containers: list[Data], **spec: Any) -> str:
    return manifest(name, containers, restartPolicy="Never", terminationGracePeriodSeconds=0, **spec)


CACHE = {"name": "cache", "emptyDir": {"sizeLimit": "1Mi"}}
MANIFESTS = [
    once("hungry", [shell(FILL, resources=limits(memory="24Mi")), shell(FOREVER, "beside")]),
    once(
        "together", [shell(f"sleep 3; {FILL}"), shell(FOREVER, "beside")], resources=limits(memory="32Mi", cpu="500m")
    ),
    once("writer", [shell(WRITE % "/tmp", resources=limits(ephemeral_storage="1Mi"))]),
    once("sums", [shell(FOREVER, resources=limits(memory="24Mi", cpu="100m"))]),
    once("cacher", [shell(WRITE % "/cache", volumeMounts=[{"name": "cache", "mountPath": "/cache"}])], volumes=[CACHE]),
    once("huge", [shell(FOREVER, resources=limits(hugepages_2Mi="1Gi", memory="1Gi", cpu="1"))]),
]


@pytest.fixture(scope="module")
def limited(cluster: Cluster, eventually: Callable[..., None]) -> Iterator[Pods]:
    cluster.kubectl("create", "namespace", "limits")
    pods = Pods(cluster.kubectl, "limits", eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    for each in MANIFESTS:
        pods.create(each)
    yield pods
    cluster.kubectl("delete", "namespace", "limits", "--wait=false", check=False)


def test_a_container_that_fills_its_memory_is_killed_alone(limited: Pods, kubectl: Kubectl) -> None:
    limited.until("hungry", lambda pod: "terminated" in container(pod).get("state", {}))
    pod = limited.get("hungry")
    ended = container(pod)["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    assert "running" in container(pod, "beside")["state"] and pod["status"]["phase"] == "Running"
    node = json.loads(kubectl("get", "node", "n1", "-o", "json").stdout)
    conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
    assert conditions["Ready"] == "True" and conditions["MemoryPressure"] == "False"


def test_containers_share_what_their_pod_may_use(limited: Pods) -> None:
    """No container has a limit; what fills the pod's memory is killed. It waits until the other has started: what
    starts in a pod whose memory is full is killed as well."""
    limited.until("together", lambda pod: "terminated" in container(pod).get("state", {}))
    pod = limited.get("together")
    assert container(pod)["state"]["terminated"]["exitCode"] == 137
    assert "running" in container(pod, "beside")["state"]
    assert pod["status"]["qosClass"] == "Guaranteed", "requests are as much as limits where nobody says otherwise"
    assert pod["status"]["resources"]["limits"] == {"cpu": "500m", "memory": "32Mi"}


def test_who_writes_more_than_its_limit_is_evicted(limited: Pods) -> None:
    said = {
        "writer": "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
        "cacher": 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ',
    }
    for name, words in said.items():
        limited.until(name, lambda pod: pod["status"].get("reason") == "Evicted", 60)
        status = limited.get(name)["status"]
        assert (status["phase"], status["message"]) == ("Failed", words)
        assert ("Evicted", words) in limited.events(name)


def test_a_pod_that_asks_for_as_much_as_it_may_use_is_guaranteed(limited: Pods) -> None:
    limited.until("sums", ready)
    pod = limited.get("sums")
    assert pod["status"]["qosClass"] == "Guaranteed"
    assert container(pod)["resources"] == {side: {"cpu": "100m", "memory": "24Mi"} for side in ("limits", "requests")}


def test_huge_pages_that_no_node_has_are_waited_for(limited: Pods, kubectl: Kubectl) -> None:
    node = json.loads(kubectl("get", "node", "n1", "-o", "json").stdout)["status"]
    assert "hugepages-2Mi" in node["capacity"]
    if node["capacity"]["hugepages-2Mi"] == "0":
        limited.until(
            "huge",
            lambda pod: any(
                "Insufficient hugepages-2Mi" in each.get("message", "") for each in pod["status"]["conditions"]
            ),
        )
