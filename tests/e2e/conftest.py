"""A real cluster for a session of tests: real kubectl in front, real Docker behind.

engine      an engine that answers, started if we are root; else the test is skipped with the reason
cluster     `podling up` in a state directory and a kubeconfig of its own; `podling down --delete` at the end
kubectl     `kubectl("get", "pods") -> CompletedProcess[str]`, raising unless `check=False`
namespace   a fresh namespace, deleted after the test
pods        kubectl in that namespace, and waits for what becomes of its pods
docker      the engine behind, for what kubectl cannot do: kill a container
eventually  wait for a condition
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from podling.cli import engine as engines
from podling.cli.logs import last_lines
from podling.cli.refusal import Refusal
from podling.images.engine import Engine
from podling.images.provide import ImageUnavailable, provide
from podling.state import State
from tests.contracts.conftest import etcd_address
from tests.e2e.asking import Pods
from tests.e2e.containers import Containers

__all__ = ["etcd_address"]
BIN = Path(sys.executable).parent
# PODLING_TEST_ETCD=http://127.0.0.1:2379 runs the suite over an etcd, or a `podling store`, that is there.
ELSEWHERE = ["--etcd-servers", os.environ["PODLING_TEST_ETCD"]] if os.environ.get("PODLING_TEST_ETCD") else []
IMAGES = ("busybox", "nigelpoulton/k8sbook:1.0", "nigelpoulton/web-app:1.0", "nginx", "k8s.gcr.io/git-sync:v3.1.6")
Done = subprocess.CompletedProcess[str]


class Kubectl(Protocol):
    def __call__(self, *arguments: str, input: str | None = None, check: bool = True, timeout: float = 60) -> Done: ...


class Cluster:
    """A running cluster. `environment` makes `podling` and `kubectl` mean it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.state = State(name, folder / "state" / "podling")
        self.environment = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "PODLING_NAME": name,
        }

    def podling(self, *arguments: str, check: bool = True, timeout: float = 120) -> Done:
        return run([str(BIN / "podling"), *arguments], self.environment, check=check, timeout=timeout)

    def kubectl(
        self, *arguments: str, input: str | None = None, check: bool = True, timeout: float = 60, program: str = ""
    ) -> Done:
        return run([program or kubectls()[0], *arguments], self.environment, input=input, check=check, timeout=timeout)

    def logs(self, lines: int = 60) -> str:
        """The end of every service's log."""
        parts = [
            f"---- {path.name}\n" + "\n".join(last_lines(path, lines)) for path in sorted(self.state.logs.glob("*.log"))
        ]
        return "\n".join(parts)


def run(
    command: list[str],
    environment: dict[str, str],
    *,
    input: str | None = None,
    check: bool = True,
    timeout: float = 60,
) -> Done:
    """Both outputs stand in the failure."""
    done = subprocess.run(
        command,
        env=environment,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done


def kubectls() -> list[str]:
    """Every kubectl here: the one on PATH, and PyPI's beside this Python."""
    found = [shutil.which("kubectl"), str(BIN / "kubectl") if (BIN / "kubectl").exists() else None]
    return list(dict.fromkeys(path for path in found if path))


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        found = engines.find_or_start(print)
    except Refusal as refusal:
        pytest.skip(f"no Docker engine: {refusal}")
    away: set[str] = set()
    for name in IMAGES:
        try:
            provide(found, name, print, away)
        except ImageUnavailable as error:
            pytest.skip(f"no image to run: {error}")
    return found


@pytest.fixture(scope="session")
def cluster(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    made = Cluster(f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("cluster"))
    with running(made, request, *ELSEWHERE) as made:
        yield made


@contextlib.contextmanager
def running(made: Cluster, request: pytest.FixtureRequest, *options: str) -> Iterator[Cluster]:
    """`podling up` with these options; at the end nothing is left. Logs are shown when a test failed meanwhile."""
    failed_before = request.session.testsfailed
    try:
        made.podling("up", *options)
        yield made
    finally:
        if request.session.testsfailed > failed_before:
            print(made.logs())
        made.podling("down", "--delete", check=False)


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """With its default service account, without which no pod is let in."""
    name = f"test-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", name)
    try:
        eventually(lambda: cluster.kubectl("-n", name, "get", "serviceaccount", "default", check=False).returncode == 0)
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


def eventually(condition: Callable[[], object], seconds: float = 60, seen: Callable[[], str] | None = None) -> None:
    """Wait until it is true; asked ten times a second. `seen` tells a failure what there was instead."""
    deadline = time.monotonic() + seconds
    while not (last := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s; it was {last!r}\n{seen() if seen else ''}")
        time.sleep(0.1)


@pytest.fixture
def pods(kubectl: Kubectl, namespace: str) -> Pods:
    """kubectl in a fresh namespace, and waits for what becomes of its pods."""
    return Pods(kubectl, namespace, eventually)


@pytest.fixture(scope="session")
def docker(engine: Engine) -> Containers:
    return Containers()


@pytest.fixture(name="eventually", scope="session")
def _eventually() -> Callable[..., None]:
    return eventually
