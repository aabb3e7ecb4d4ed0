"""Two nodes on one engine."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, running
from tests.e2e.manifests import FOREVER, manifest, pod, shell


@pytest.fixture(scope="module")
def cluster(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("cluster"))
    with running(made, request, "--nodes", "2"):
        yield made


def one_on_each(pods: Pods, script: str = FOREVER) -> dict[str, str]:
    """Pods `p1` on n1 and `p2` on n2, and their addresses."""
    for number in (1, 2):
        pods.create(manifest(f"p{number}", [shell(script)], nodeName=f"n{number}"))
    return {name: pods.running(name)["status"]["podIP"] for name in ("p1", "p2")}


def test_pods_on_two_nodes_reach_each_other_and_kubectl_reaches_both(pods: Pods) -> None:
    addresses = one_on_each(pods, "echo I am $HOSTNAME; hostname > /index.html; httpd -f -p 8080 -h /")
    for here, there in (("p1", "p2"), ("p2", "p1")):
        fetch = ("timeout", "5", "wget", "-qO-", f"http://{addresses[there]}:8080/")
        pods.eventually(lambda h=here, f=fetch, t=there: pods.exec(h, *f, check=False).stdout == f"{t}\n")
        assert pods("logs", here).stdout == f"I am {here}\n"
        assert pods.exec(here, "hostname").stdout == f"{here}\n"
    nodes = [pods.get(name)["status"]["hostIP"] for name in addresses]
    assert nodes[0] != nodes[1]


def test_pods_are_spread_over_the_nodes(pods: Pods) -> None:
    names = [f"spread{number}" for number in range(4)]
    for name in names:
        pods.create(pod(name, "sh", "-c", FOREVER))
    assert sorted(pods.running(name)["spec"]["nodeName"] for name in names) == ["n1", "n1", "n2", "n2"]


def test_a_drained_node_is_empty_and_takes_nothing(pods: Pods) -> None:
    one_on_each(pods)
    try:
        told = pods("drain", "n2", "--force", "--pod-selector=app=p2").stdout
        assert "pod/p2 evicted" in told and "node/n2 drained" in told
        assert [row.split()[0] for row in pods("get", "pods", "--no-headers").stdout.splitlines()] == ["p1"]
        assert "Ready,SchedulingDisabled" in pods("get", "node", "n2").stdout
        for name in ("a", "b"):
            pods.create(pod(name, "sh", "-c", FOREVER))
        assert {pods.running(name)["spec"]["nodeName"] for name in ("a", "b")} == {"n1"}
    finally:
        pods("uncordon", "n2")
    assert "SchedulingDisabled" not in pods("get", "node", "n2").stdout


def test_files_are_copied_in_and_out(pods: Pods, tmp_path: Path) -> None:
    pods.create(pod("box", "sh", "-c", FOREVER))
    pods.running("box")
    (tmp_path / "in").write_text("carried\n" * 10_000)
    pods("cp", str(tmp_path / "in"), "box:/tmp/there")
    pods("cp", "box:/tmp/there", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "carried\n" * 10_000


def test_debug_runs_a_container_in_a_running_pod(pods: Pods) -> None:
    pods.create(pod("box", "sh", "-c", "touch /tmp/mark; " + FOREVER))
    before = pods.running("box")
    pods("debug", "box", "--image=busybox", "--image-pull-policy=IfNotPresent", "--container=look", "--", "hostname")

    def ended() -> dict[str, Any]:
        statuses = pods.get("box")["status"].get("ephemeralContainerStatuses", [])
        return statuses[0]["state"].get("terminated", {}) if statuses else {}

    pods.eventually(ended, seen=lambda: pods.described("box"))
    assert ended()["exitCode"] == 0
    assert pods("logs", "box", "-c", "look").stdout == "box\n"
    after = pods.running("box")
    assert after["status"]["containerStatuses"] == before["status"]["containerStatuses"]


def test_a_pod_of_the_node_itself_debugs_it(pods: Pods) -> None:
    pods("debug", "node/n2", "--image=busybox", "--profile=general", "--", "ls", "/host")
    [name] = [row.split()[0] for row in pods("get", "pods", "--no-headers").stdout.splitlines()]
    pods.until_status(name, "Completed")
    assert json.loads(pods("get", "pod", name, "-o", "json").stdout)["spec"]["nodeName"] == "n2"
    assert "etc" in pods("logs", name).stdout.split()
