"""Clusters come, go, come back, and survive what is done to them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from podling.cli.report import born, read_report
from podling.images.engine import Engine
from podling.podrange import claim
from tests.e2e.conftest import BIN, Cluster

HELLO = str(Path(__file__).parents[2] / "examples" / "hello-pod.yaml")
Eventually = Callable[..., None]


def containers(cluster: Cluster, *more: str) -> dict[str, str]:
    """Id to the time of its start, of everything that the cluster has on the engine."""
    listed = docker("ps", "-aq", "--no-trunc", "--filter", f"label=podling.cluster={cluster.name}", *more).split()
    return {id: docker("inspect", "-f", "{{.State.StartedAt}}", id).strip() for id in listed}


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def pids(cluster: Cluster) -> dict[str, int]:
    report = read_report(cluster.state)
    assert report is not None
    return {"supervisor": report.pid, **{name: one.pid for name, one in report.services.items()}}


def routed(pod_cidr: str) -> bool:
    """Has this machine an address or a route in the pods' range?"""
    return pod_cidr.removesuffix("0.0/16") in Path("/proc/net/fib_trie").read_text()


def hello(cluster: Cluster) -> str:
    """Run hello-pod; its address once it is Ready."""
    cluster.kubectl("apply", "-f", HELLO)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/hello-pod", "--timeout=60s", timeout=70)
    return address(cluster)


def address(cluster: Cluster) -> str:
    """ "" while it has none."""
    return cluster.kubectl("get", "pod", "hello-pod", "-o", "jsonpath={.status.podIP}").stdout


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def page(ip: str) -> str:
    """ "" while nobody serves it."""
    try:
        with urllib.request.urlopen(f"http://{ip}:8080/", timeout=20) as answer:
            text: str = answer.read().decode()
            return text
    except OSError:
        return ""


@pytest.fixture
def own(engine: Engine, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own, not started."""
    if not shutil.which("docker"):
        pytest.skip("the docker command, which looks over podling's shoulder here, is not installed")
    made = Cluster(f"own-{uuid.uuid4().hex[:6]}", tmp_path)
    yield made
    if made.state.folder.exists():
        print(made.logs())
        made.podling("down", "--delete", check=False)


def test_down_leaves_nothing_and_up_brings_the_pod_back(own: Cluster, eventually: Eventually) -> None:
    own.podling("up")
    ip = hello(own)
    eventually(lambda: "Hello from hello-pod" in page(ip))
    pods = own.state.load().pod_cidr
    assert routed(pods)
    processes = pids(own)
    again = own.podling("up").stdout
    assert pids(own) == processes, "up twice is harmless"
    assert "is up" in again

    own.podling("down")
    assert [name for name, pid in processes.items() if born(pid) is not None] == []
    assert containers(own) == {}
    assert not routed(pods)
    assert docker("network", "ls", "-q", "--filter", f"label=podling.cluster={own.name}") == ""

    own.podling("up")
    eventually(lambda: "Hello from hello-pod" in page(address(own)))

    own.podling("down", "--delete")
    assert containers(own) == {}
    assert not routed(pods)
    assert not own.state.folder.exists()
    kubeconfig = yaml.safe_load(Path(own.environment["KUBECONFIG"]).read_text())
    assert [kubeconfig[section] for section in ("clusters", "contexts", "users")] == [[], [], []]


def test_a_killed_service_is_back_within_seconds_and_containers_never_notice(
    own: Cluster, eventually: Eventually
) -> None:
    own.podling("up")
    hello(own)
    running, processes = containers(own), pids(own)
    for name in ("kubelet-n1", "scheduler", "controllers", "apiserver"):
        os.kill(processes[name], signal.SIGKILL)
    begin = time.monotonic()
    eventually(lambda: 0 not in pids(own).values() and pids(own)["apiserver"] != processes["apiserver"])
    eventually(lambda: own.podling("status", check=False).returncode == 0)
    print(f"all back and ready after {time.monotonic() - begin:.1f} s")
    pod = json.loads(own.kubectl("get", "pod", "hello-pod", "-o", "json").stdout)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    assert containers(own) == running


def test_a_killed_supervisor_takes_its_services_along_and_no_container(own: Cluster, eventually: Eventually) -> None:
    own.podling("up")
    hello(own)
    running, processes = containers(own), pids(own)
    os.kill(processes["supervisor"], signal.SIGKILL)
    eventually(lambda: all(born(pid) is None for pid in processes.values()))
    assert containers(own) == running
    own.podling("up")
    assert containers(own) == running
    assert "Hello from hello-pod" in page(address(own))


def test_clusters_live_beside_each_other(cluster: Cluster, own: Cluster) -> None:
    own.podling("up", "--nodes", "2")
    assert len(own.kubectl("get", "nodes", "-o", "name").stdout.split()) == 2
    assert own.state.load().pod_cidr != cluster.state.load().pod_cidr or own.state.root != cluster.state.root
    ours, theirs = own.state.load(), cluster.state.load()
    assert set(ours.ports.values()) & set(theirs.ports.values()) == set()
    own.podling("up", "--nodes", "1")
    own.podling("down")
    assert cluster.kubectl("get", "nodes", "-o", "name").stdout.split() == ["node/n1"]


def test_the_objects_can_live_in_a_real_etcd(own: Cluster, etcd_address: str, eventually: Eventually) -> None:
    own.podling("up", "--etcd-servers", f"http://{etcd_address}")
    ip = hello(own)
    eventually(lambda: "Hello from hello-pod" in page(ip))
    keys = subprocess.run(
        ["etcdctl", "--endpoints", etcd_address, "get", "--prefix", "--keys-only", "/registry/pods/"],
        env={**os.environ, "ETCDCTL_API": "3"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "/registry/pods/default/hello-pod" in keys.stdout


def test_the_store_can_run_apart_from_the_api_server(own: Cluster, tmp_path: Path, eventually: Eventually) -> None:
    own.podling("up")
    hello(own)
    own.podling("down")
    kept = own.state.load()
    address = f"https://127.0.0.1:{kept.ports['etcd']}"
    command, told = [str(BIN / "podling"), "store"], tmp_path / "store.log"
    with (
        claim(kept.pod_cidr).socket,  # no other cluster takes the range, and its ports, meanwhile
        told.open("wb") as log,
        subprocess.Popen(command, env=own.environment, stderr=log) as store,
    ):
        try:
            eventually(lambda: listens(kept.ports["etcd"]), 20, told.read_text)
            own.podling("up", "--etcd-servers", address)
            own.kubectl("wait", "--for=condition=Ready", "pod/hello-pod", "--timeout=60s", timeout=70)
            own.podling("down")
        finally:
            store.terminate()
    own.podling("up", "--etcd-servers", "")
    assert own.kubectl("get", "pods", "-o", "name").stdout == "pod/hello-pod\n"
