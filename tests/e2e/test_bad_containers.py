"""Containers that behave badly, and a kubelet that is killed in the middle of everything: the node stays well."""

import os
import signal
import time
from typing import Any

import pytest

from podling.cli.report import read_report
from tests.e2e.asking import Pods, container, ready
from tests.e2e.conftest import Cluster, eventually, kubectls
from tests.e2e.manifests import FOREVER, manifest, pod, shell
from tests.e2e.streaming import Client

MANY = 200
AGES = (0.4, 0.9, 1.6)
ORPHANS = f"for n in $(seq {MANY}); do (sleep 0.1 &); done"


@pytest.fixture
def client(cluster: Cluster, pods: Pods) -> Client:
    return Client(kubectls()[-1], cluster.environment, pods.namespace, "websocket")


def test_bad_containers_are_kept_in_bounds_and_can_be_deleted(pods: Pods, client: Client, docker: Any) -> None:
    deaf = f"trap '' TERM INT HUP; for n in $(seq {MANY}); do sleep 1000 & done; touch /tmp/forked; wait; {FOREVER}"
    made = {
        "deaf": pod("deaf", "sh", "-c", deaf),
        "zombies": pod("zombies", "sleep", "1000"),
        "reaped": pod("reaped", "sleep", "1000", shareProcessNamespace=True),
        "mumbles": pod("mumbles", "printf", "no end", restartPolicy="Never"),
        "binary": pod("binary", "sh", "-c", f"head -c 300000 /dev/urandom; {FOREVER}"),
    }
    pods.create("\n".join(made.values()))
    for name in made.keys() - {"mumbles"}:
        pods.running(name)
    until_inside(client, "deaf", "test -e /tmp/forked && echo 1", 1)
    for name in ("zombies", "reaped"):
        client("exec", name, "--", "sh", "-c", ORPHANS)
    until_inside(client, "zombies", "ps -o stat | grep -c Z", MANY)  # nobody else's: its first process does not wait
    until_inside(client, "reaped", "ps -o stat | grep -c Z", 0)
    pods.until_status("mumbles", "Completed")
    assert client("logs", "mumbles").stdout == b"no end"
    assert len(client("logs", "binary").stdout) > 100_000

    assert client("get", "--raw", "/readyz").stdout == b"ok"
    uids = [pods.get(name)["metadata"]["uid"] for name in made]
    pods("delete", "pods", "--all", "--wait=false")
    for name in made:
        pods.gone(name)
    assert [docker.of_pod(uid) for uid in uids] == [[]] * len(made)


def until_inside(client: Client, name: str, script: str, number: int) -> None:
    """Until a script in the pod says the number."""

    def said() -> bool:
        words = client("exec", name, "--", "sh", "-c", script, check=False).stdout.split()
        return words == [b"%d" % number]

    eventually(said)


def kill_kubelet(cluster: Cluster, age_seconds: float) -> None:
    """The one that runs, once it is so old: so it dies at another step each time."""

    def old() -> int:
        report = read_report(cluster.state)
        service = report.services["kubelet-n1"] if report else None
        return service.pid if service and time.time() - service.started > age_seconds else 0

    eventually(old)
    os.kill(old(), signal.SIGKILL)


def test_a_kubelet_killed_again_and_again_does_what_it_would_have_done(
    cluster: Cluster, pods: Pods, client: Client, docker: Any
) -> None:
    work = {"volumeMounts": [{"name": "work", "mountPath": "/work"}]}
    volumes = [{"name": "work", "emptyDir": {}}]
    first = shell("sleep 1; echo first >> /work/runs", "first", **work)
    side = shell(FOREVER, "side", restartPolicy="Always")
    once = shell("echo app >> /work/runs; sleep 2", **work)
    last = shell(FOREVER, "reads", **work)
    pods.create(manifest("once", [once, last], initContainers=[first, side], volumes=volumes, restartPolicy="Never"))
    pods.create("\n".join(pod(f"many-{number}", "sh", "-c", FOREVER) for number in range(4)))
    for age_seconds in AGES:
        kill_kubelet(cluster, age_seconds)
    for number in range(4):
        found = pods.running(f"many-{number}", 60)
        assert container(found)["restartCount"] == 0
        assert len(docker.of_pod(found["metadata"]["uid"])) == 2
    pods.until("once", lambda found: "terminated" in container(found)["state"], 60)
    assert container(pods.get("once"))["state"]["terminated"]["reason"] == "Completed"
    eventually(lambda: client("exec", "once", "-c", "reads", "--", "true", check=False).returncode == 0)
    assert client("exec", "once", "-c", "reads", "--", "cat", "/work/runs").stdout == b"first\napp\n"
    assert all(each["restartCount"] == 0 for each in pods.get("once")["status"]["initContainerStatuses"])

    items = [pods.get(name) for name in ("once", *(f"many-{number}" for number in range(4)))]
    assert ready(items[-1])
    pods("delete", "pods", "--all", "--wait=false")
    for age_seconds in AGES:
        kill_kubelet(cluster, age_seconds)
    for each in items:
        pods.gone(each["metadata"]["name"], 60)
        assert docker.of_pod(each["metadata"]["uid"]) == []
