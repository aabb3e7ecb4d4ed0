"""Bad days: many at once, everything killed at once, and nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podling.cli.report import born, read_report
from podling.images.engine import Engine
from tests.e2e.asking import Pods, container, ready
from tests.e2e.conftest import BIN, Cluster
from tests.e2e.manifests import FOREVER, manifest, pod, shell


def listed(pods: Pods) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(pods("get", "pods", "-o", "json").stdout)["items"]
    return items


def test_twenty_pods_at_once_and_a_namespace_deleted_with_all_of_them(
    cluster: Cluster, pods: Pods, docker: Any, eventually: Any
) -> None:
    pods.create("\n".join(pod(f"one-of-many-{number}", "sh", "-c", FOREVER) for number in range(20)))
    eventually(
        lambda: len(listed(pods)) == 20 and all(ready(each) for each in listed(pods)), 60,
        lambda: pods("get", "pods").stdout,
    )  # fmt: skip
    found = listed(pods)
    assert len({each["status"]["podIP"] for each in found}) == 20
    assert sum(container(each)["restartCount"] for each in found) == 0
    cluster.kubectl("delete", "namespace", pods.namespace)
    assert not any(docker.of_pod(each["metadata"]["uid"]) for each in found)


def test_what_somebody_removes_from_the_engine_comes_back(pods: Pods, docker: Any) -> None:
    pods.create(manifest("whole", [shell(FOREVER, "a"), shell(FOREVER, "b")]))
    before = pods.running("whole")
    for id in docker.of_pod(before["metadata"]["uid"]):
        docker.remove(id)
    pods.until("whole", lambda found: ready(found) and min(restarts(found)) >= 1)
    running = [id for id in docker.of_pod(before["metadata"]["uid"]) if docker.is_running(id)]
    assert len(running) == 3


def restarts(found: dict[str, Any]) -> list[int]:
    return [each["restartCount"] for each in found["status"]["containerStatuses"]]


def test_all_services_killed_while_pods_start_and_while_they_go(cluster: Cluster, pods: Pods, docker: Any) -> None:
    names = [f"p{number}" for number in range(4)]
    pods.create("\n".join(pod(name, "sh", "-c", FOREVER) for name in names))
    kill_services(cluster)
    pods.eventually(lambda: pods("get", "pods", check=False).returncode == 0)
    found = [pods.running(name) for name in names]
    assert [len(docker.of_pod(each["metadata"]["uid"])) for each in found] == [2] * 4
    pods("delete", "pods", "--all", "--wait=false")
    kill_services(cluster)
    for each in found:
        pods.gone(each["metadata"]["name"])
        assert docker.of_pod(each["metadata"]["uid"]) == []


def kill_services(cluster: Cluster) -> None:
    report = read_report(cluster.state)
    assert report is not None
    for service in report.services.values():
        if service.pid:
            os.kill(service.pid, signal.SIGKILL)


def test_a_pod_deleted_by_force_leaves_the_engine_too(pods: Pods, docker: Any) -> None:
    pods.create(pod("stubborn", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"))
    uid = pods.running("stubborn")["metadata"]["uid"]
    pods("delete", "pod", "stubborn", "--force", "--grace-period=0")
    assert pods("get", "pod", "stubborn", check=False).returncode != 0
    pods.eventually(lambda: docker.of_pod(uid) == [])


@pytest.fixture
def two(engine: Engine, tmp_path: Path) -> Iterator[list[Cluster]]:
    made = [Cluster(f"two-{uuid.uuid4().hex[:6]}", tmp_path / name) for name in ("a", "b")]
    yield made
    for each in made:
        if each.state.folder.exists():
            print(each.logs())
            each.podling("down", "--delete", check=False)


def test_two_clusters_started_at_the_same_moment_share_nothing_and_leave_nothing(two: list[Cluster]) -> None:
    """Each in a state directory of its own, so that neither can know of the other."""
    starting = [subprocess.Popen([BIN / "podling", "up"], env=each.environment, stdout=subprocess.PIPE) for each in two]
    told = [each.communicate(timeout=60)[0].decode() for each in starting]
    assert [each.returncode for each in starting] == [0, 0], told
    loaded = [each.state.load() for each in two]
    assert loaded[0].pod_cidr != loaded[1].pod_cidr
    assert not set(loaded[0].ports.values()) & set(loaded[1].ports.values())
    for each in two:
        each.kubectl("create", "-f", "-", input=pod("steady", "sh", "-c", FOREVER))
        each.kubectl("wait", "--for=condition=Ready", "pod/steady", "--timeout=60s")
    processes = [pid for each in two if (report := read_report(each.state)) for pid in (report.pid, *pids(report))]
    for each, was in zip(two, loaded, strict=True):
        assert traces(each, was.pod_cidr), "what is looked for below is there now"
        each.podling("down", "--delete")
        assert traces(each, was.pod_cidr) == []
        assert not each.state.folder.exists()
    assert [pid for pid in processes if born(pid) is not None] == []


def pids(report: Any) -> list[int]:
    return [service.pid for service in report.services.values()]


TOLD_BY = (
    ["docker", "ps", "-a", "--no-trunc", "--format", "{{.Labels}} {{.Mounts}}"],
    ["docker", "network", "ls", "--format", "{{.Name}} {{.Labels}}"],
    ["docker", "volume", "ls", "--format", "{{.Name}} {{.Labels}}"],
    ["ip", "-o", "link"],
    ["ip", "-o", "address"],
    ["ip", "route", "show", "table", "all"],
    ["nft", "list", "ruleset"],
    ["iptables-save"],
    ["cat", "/proc/self/mounts"],
)


def traces(cluster: Cluster, pod_cidr: str) -> list[str]:
    """Lines anywhere on this machine that name the cluster or its pods' range."""
    found = []
    for command in TOLD_BY:
        if shutil.which(command[0]):
            shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            named = (cluster.name, pod_cidr.removesuffix("0.0/16"))
            found += [line for line in shown.splitlines() if any(name in line for name in named)]
    return found
