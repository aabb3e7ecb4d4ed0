"""`podling down` of a cluster whose pods were given time: they end in order, and say so afterwards."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, eventually, running
from tests.e2e.manifests import manifest, pod, shell

CONFIGURATION = {"shutdownGracePeriod": "8s", "shutdownGracePeriodCriticalPods": "4s"}


@pytest.fixture(scope="module")
def cluster(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "kubelet.json").write_text(json.dumps(CONFIGURATION))
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", folder)
    with running(made, request, "--kubelet-config", str(folder / "kubelet.json")):
        yield made


def leaves_word(script: str) -> dict[str, Any]:
    trap = f"trap '{script}; exit 0' TERM; while :; do sleep 1 & wait $!; done"
    return shell(trap, volumeMounts=[{"name": "host", "mountPath": "/host"}])


def test_pods_end_in_order_and_are_failed_when_the_cluster_comes_back(cluster: Cluster, tmp_path: Path) -> None:
    pods = Pods(cluster.kubectl, "default", eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    host = {"volumes": [{"name": "host", "hostPath": {"path": str(tmp_path)}}], "terminationGracePeriodSeconds": 30}
    pods.create(manifest("normal", [leaves_word("sleep 1; echo bye > /host/normal")], **host))
    last = [leaves_word("cat /host/normal > /host/critical")]
    pods.create(manifest("critical", last, priorityClassName="system-node-critical", **host))
    pods.create(pod("deaf", "sleep", "1000", terminationGracePeriodSeconds=2))
    for name in ("normal", "critical", "deaf"):
        pods.running(name)

    told = cluster.podling("down").stdout
    assert "pods" in told and "ended" in told
    assert (tmp_path / "normal").read_text() == (tmp_path / "critical").read_text() == "bye\n"

    cluster.podling("up")
    for name, code in (("normal", 0), ("critical", 0), ("deaf", 137)):
        status = pods.get(name)["status"]
        assert (status["phase"], status["reason"]) == ("Failed", "Terminated")
        assert status["message"] == "Pod was terminated in response to imminent node shutdown."
        assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code
        [condition] = [each for each in status["conditions"] if each["type"] == "DisruptionTarget"]
        assert condition["reason"] == "TerminationByKubelet"
    pods.create(pod("new", "sleep", "1000", terminationGracePeriodSeconds=0))
    pods.running("new")
