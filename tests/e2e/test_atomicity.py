"""A pod is there whole or not at all, whoever is killed."""

import os
import signal
from typing import Any

from podling.cli.report import read_report
from tests.e2e.asking import container, ready
from tests.e2e.manifests import FOREVER, manifest, pod, shell


def ids(found: dict[str, Any]) -> list[str]:
    return [status["containerID"].removeprefix("docker://") for status in found["status"]["containerStatuses"]]


def test_a_killed_sandbox_takes_its_members_with_it_and_the_pod_comes_back_whole(pods: Any, docker: Any) -> None:
    pods.create(manifest("whole", [shell(FOREVER, "a"), shell(FOREVER, "b")]))
    before = pods.running("whole")
    docker.kill(docker.sandbox(before["metadata"]["uid"]))
    pods.until("whole", lambda found: ready(found) and set(ids(found)).isdisjoint(ids(before)))
    after = pods.get("whole")
    assert after["status"]["podIP"] != before["status"]["podIP"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert all(status["restartCount"] == 1 for status in after["status"]["containerStatuses"])
    assert "SandboxChanged" in dict(pods.events("whole"))
    for old in ids(before):
        assert not docker.is_running(old)


def test_a_pod_that_cannot_start_completely_never_shows_running(pods: Any) -> None:
    pods.create(
        manifest(
            "half",
            [
                shell(FOREVER, "good"),
                {"name": "bad", "image": "busybox", "imagePullPolicy": "Never", "command": ["/no/such"]},
            ],
        )
    )
    pods.until("half", lambda found: "state" in container(found, "bad") and container(found, "good").get("ready"))
    pods.eventually(lambda: pods.shown("half")[1] == "1/2")
    assert not ready(pods.get("half"))
    pods.create(pod("noimage", image="podling.invalid/none:1", restartPolicy="Never"))
    pods.until_status("noimage", "ErrImagePull", "ImagePullBackOff")
    assert pods.phase("noimage") == "Pending"


def test_deletion_asks_waits_and_leaves_nothing(pods: Any, docker: Any) -> None:
    pods.create(
        pod(
            "polite",
            "sh",
            "-c",
            "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done",
            terminationGracePeriodSeconds=20,
        )
    )
    found = pods.running("polite")
    assert 'pod "polite" deleted' in pods("delete", "pod", "polite").stdout
    assert docker.of_pod(found["metadata"]["uid"]) == []


def test_a_container_that_ignores_sigterm_is_killed_after_its_grace(pods: Any, docker: Any) -> None:
    pods.create(pod("rude", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", terminationGracePeriodSeconds=2))
    uid = pods.running("rude")["metadata"]["uid"]
    pods("delete", "pod", "rude")
    assert docker.of_pod(uid) == []


def test_a_killed_service_is_back_and_containers_never_notice(cluster: Any, pods: Any, eventually: Any) -> None:
    pods.create(pod("steady", "sh", "-c", FOREVER))
    before = pods.running("steady")
    for service in services(cluster):
        old = pid(cluster, service)
        os.kill(old, signal.SIGKILL)
        eventually(lambda s=service, o=old: pid(cluster, s) not in (0, o))
        eventually(lambda: pods("get", "pods", check=False).returncode == 0)
    eventually(lambda: "Ready" in cluster.kubectl("get", "nodes", check=False).stdout)
    after = pods.running("steady")
    assert ids(after) == ids(before)
    assert container(after)["restartCount"] == 0
    pods.create(pod("new", "sh", "-c", FOREVER))
    pods.running("new")


def services(cluster: Any) -> list[str]:
    report = read_report(cluster.state)
    return list(report.services) if report else []


def pid(cluster: Any, service: str) -> int:
    """0 while it is down."""
    report = read_report(cluster.state)
    return report.services[service].pid if report else 0
