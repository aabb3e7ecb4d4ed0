"""A full disk under everything that a cluster keeps: its store, its logs, its pods' files."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from podling.images.engine import Engine
from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, running
from tests.e2e.manifests import FOREVER, pod


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system to fill")
    folder = tmp_path_factory.mktemp("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def cluster(engine: Engine, disk: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with running(Cluster(f"e2e-{uuid.uuid4().hex[:6]}", disk), request) as made:
        yield made


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return ballast


def test_writes_are_refused_nothing_is_lost_and_space_mends_it(cluster: Cluster, pods: Pods, disk: Path) -> None:
    pods("create", "configmap", "before", "--from-literal=a=b")
    pods.create(pod("steady", "sh", "-c", FOREVER))
    before = pods.running("steady")

    ballast = fill(disk)
    size = cluster.state.store.joinpath("store.db-wal").stat().st_size
    refused = pods("create", "configmap", "large", f"--from-literal=a={'x' * 100_000}", check=False)
    assert refused.returncode != 0
    assert "database or disk is full" in refused.stderr, f"{refused.stderr} (write-ahead log of {size} bytes)"
    assert pods("get", "configmap", "before", "-o", "jsonpath={.data.a}").stdout == "b"
    assert pods("get", "configmap", "large", check=False).returncode != 0
    assert pods.exec("steady", "echo", "here").stdout == "here\n"

    ballast.unlink()
    pods.eventually(lambda: pods("create", "configmap", "after", "--from-literal=a=b", check=False).returncode == 0)
    pods("create", "configmap", "large", f"--from-literal=a={'x' * 100_000}")
    assert container(pods.running("steady"))["containerID"] == container(before)["containerID"]
    pods.create(pod("new", "sh", "-c", FOREVER))
    pods.running("new")
    cluster.podling("down")
    cluster.podling("up")
    assert pods("get", "configmap", "after", "-o", "jsonpath={.data.a}").stdout == "b"
    pods.running("steady")
