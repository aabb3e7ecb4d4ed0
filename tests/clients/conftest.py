"""An API server and controllers of their own, without nodes: what clients are tried on that need no Docker.

server      `podling apiserver` and `podling controllers`, in a state directory of their own, for the whole session
bare        `podling apiserver` alone: nobody but the client touches an object
namespace   a fresh namespace with its default service account
eventually  wait for a condition
"""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from podling.cli.probe import Probe
from podling.state import State

PODLING = Path(sys.executable).with_name("podling")
NAME = "clients"
START_SECONDS = 60.0
Done = subprocess.CompletedProcess[str]


@dataclass
class Server:
    """`environment` makes kubectl, helm and every client library mean this server."""

    state: State
    environment: dict[str, str]
    log: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.state.load().ports['apiserver']}"

    @property
    def kubeconfig(self) -> str:
        return self.environment["KUBECONFIG"]

    def run(self, program: str | Path, *arguments: str, input: str | None = None, check: bool = True) -> Done:
        """Both outputs stand in the failure."""
        command = [os.fspath(program), *arguments]
        done = subprocess.run(
            command, env=self.environment, input=input, capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL if input is None else None,
        )  # fmt: skip
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}", False)
        return done

    def client(self) -> Any:
        """An ApiClient of the `kubernetes` package."""
        return kubernetes.config.new_client_from_config(self.kubeconfig)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("server")) as made, serving("controllers", made):
        yield made


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("bare")) as made:
        yield made


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Server]:
    """An API server that is ready. Nothing that it met may have been a bug of its own."""
    state = State(NAME, folder / "podling")
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(folder),
        "HOME": str(folder),  # what clients cache is this server's
        "KUBECONFIG": str(state.kubeconfig),
        "PODLING_LOG": "WARNING",
    }
    made = Server(state, environment, folder / "apiserver.log")
    with serving("apiserver", made):
        wait(state.kubeconfig.exists, made.log)
        probe = Probe(state.pki)
        wait(lambda: probe.is_ready(made.url), made.log)
        yield made
    assert "Traceback" not in made.log.read_text(), made.log.read_text()[-20000:]


@contextlib.contextmanager
def serving(service: str, server: Server) -> Iterator[None]:
    log = server.log.with_name(f"{service}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PODLING, service, "--name", NAME], env=server.environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def wait(condition: Callable[[], object], what: object, seconds: float = START_SECONDS) -> bool:
    """Until it is true; `what` is told where it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what.read_text() if isinstance(what, Path) else what}")
        time.sleep(0.05)
    return True


@pytest.fixture
def namespace(server: Server) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:6]}"
    with server.client() as client:
        core = kubernetes.client.CoreV1Api(client)
        core.create_namespace({"metadata": {"name": name}})
        wait(lambda: core.list_namespaced_service_account(name).items, "the default service account")
        yield name
        core.delete_namespace(name)


@pytest.fixture(name="eventually", scope="session")
def _eventually() -> Callable[..., bool]:
    return wait
