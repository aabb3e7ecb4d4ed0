"""What contracts run against: a store of ours and a real etcd, each a process of its own; Docker, by either network."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from kubelet.docker.cleanup import remove_cluster
from tests.contracts.runtimes import DockerBench, import_busybox, new_cluster, why_no_docker, why_no_ptp

START_SECONDS = 60


@pytest.fixture(scope="module")
def docker_clusters() -> Iterator[dict[str, str]]:
    """A cluster a network, each gone with all that it has at the end."""
    made = {network: new_cluster(network) for network in ("ptp", "docker network")}
    yield made
    if not why_no_docker():
        for cluster in made.values():
            remove_cluster(cluster)


@pytest.fixture(params=["ptp", "docker network"])
async def docker_bench(
    request: pytest.FixtureRequest, tmp_path: Path, docker_clusters: dict[str, str]
) -> AsyncIterator[DockerBench]:
    if reason := why_no_ptp() if request.param == "ptp" else why_no_docker():
        pytest.skip(reason)
    import_busybox()
    made = DockerBench(tmp_path, request.param, docker_clusters[request.param])
    yield made
    await made.close()


@pytest.fixture(scope="session")
def store_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a store of ours."""
    address = f"127.0.0.1:{_free_port()}"
    folder = tmp_path_factory.mktemp("store")
    with _served([sys.executable, "-m", "store", str(folder / "data"), address], address, folder / "log"):
        yield address


@pytest.fixture(scope="session")
def etcd_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a real etcd."""
    if not shutil.which("etcd"):
        pytest.skip("no etcd binary on PATH (Debian: apt-get install etcd-server)")
    client, peer = f"127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}"
    folder = tmp_path_factory.mktemp("etcd")
    command = [
        "etcd", "--data-dir", str(folder / "data"), "--logger", "zap", "--log-level", "error",
        "--listen-client-urls", f"http://{client}", "--advertise-client-urls", f"http://{client}",
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
    ]  # fmt: skip
    with _served(command, client, folder / "log"):
        yield client


@contextmanager
def _served(command: list[str], address: str, log: Path) -> Iterator[None]:
    """A server process, from the moment that it answers until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait_until_ready(process, address, log)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(address) as channel:
        ready = grpc.channel_ready_future(channel)
        while process.poll() is None and time.monotonic() < deadline:
            try:
                ready.result(0.2)
                return
            except grpc.FutureTimeoutError:
                continue
    raise RuntimeError(f"{address} does not answer: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
