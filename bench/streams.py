"""exec, cp and port-forward against the engine's own: `docker exec`, `docker cp`, a connection to the pod's address.

    python -m bench.streams [--times 5] [--megabytes 10 100]

Rounds alternate, medians count; what the API server and the kubelet cost is read off their processes. Everything runs
on this machine: kubectl, TLS twice (kubectl to API server, API server to kubelet) and the engine share its cores.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from bench.process import cpu_seconds
from bench.table import show
from podling.cli.report import read_report
from podling.state import State

PODLING = str(Path(sys.executable).with_name("podling"))
BESIDE = Path(sys.executable).with_name("kubectl")
KUBECTL = str(BESIDE) if BESIDE.exists() else shutil.which("kubectl") or "kubectl"
NAME, IMAGE = "bench-streams", "busybox"
EXEC = "/api/v1/namespaces/default/pods/box/exec?container=app&stdout=1&stderr=1&command=true"
ERROR_CHANNEL = 3
CARRIERS = ("apiserver", "kubelet-n1")
GIVES, TAKES = 7000, 8000  # and the megabytes


class Bench:
    """A cluster with one pod, `box`, its container on the engine, and its address."""

    def __init__(self, folder: Path, sizes: list[int]) -> None:
        self.folder, self.sizes = folder, sizes
        self.environment = os.environ | {"XDG_STATE_HOME": str(folder), "KUBECONFIG": str(folder / "config")}
        self.state = State(NAME, folder / "podling")
        self.container = self.ip = ""

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        command = [KUBECTL, *arguments]
        return subprocess.run(
            command, env=self.environment, input=stdin, check=True, capture_output=True, text=True
        ).stdout

    def make_pod(self) -> None:
        lines = []
        for size in self.sizes:
            lines += [
                f"head -c {size << 20} /dev/urandom > /tmp/{size}",
                f"nc -ll -p {GIVES + size} -e cat /tmp/{size} &",
                f"nc -ll -p {TAKES + size} -e sh -c 'cat > /dev/null' &",
            ]
        command = ["sh", "-c", "\n".join([*lines, "touch /ready; exec sleep 100000"])]
        probe = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
        container = {"name": "app", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": command}
        spec = {"containers": [{**container, "readinessProbe": probe}], "terminationGracePeriodSeconds": 0}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box"}, "spec": spec}
        self.kubectl("create", "-f", "-", stdin=json.dumps(pod))
        self.kubectl("wait", "--for=condition=Ready", "pod/box", "--timeout=60s")
        status = json.loads(self.kubectl("get", "pod", "box", "-o", "json"))["status"]
        self.container = status["containerStatuses"][0]["containerID"].removeprefix("docker://")
        self.ip = status["podIP"]

    def cpu(self) -> dict[str, float]:
        report = read_report(self.state)
        assert report is not None
        return {name: cpu_seconds(report.services[name].pid) for name in CARRIERS}

    @contextmanager
    def forwarding(self, port: int) -> Iterator[int]:
        command = [KUBECTL, "port-forward", "--address", "127.0.0.1", "box", f":{port}"]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield int(process.stdout.readline().split("127.0.0.1:")[1].split(" ")[0])
            finally:
                process.terminate()


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    subprocess.run(command, env=environment, check=True, capture_output=True)


def take(address: tuple[str, int], count: int) -> None:
    with socket.create_connection(address) as connection:
        while piece := connection.recv(1 << 18):
            count -= len(piece)
    assert count == 0, f"{count} bytes are missing"


def give(address: tuple[str, int], data: bytes) -> None:
    """Until the other side has read it all and closed."""
    with socket.create_connection(address) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass


class Latency:
    """A command that does nothing, by one HTTP client at both doors, from the request to the exit code."""

    def __init__(self, ours: aiohttp.ClientSession, engine: aiohttp.ClientSession, container: str) -> None:
        self._ours, self._engine, self._container = ours, engine, container

    async def podling(self) -> None:
        async with self._ours.ws_connect(EXEC, protocols=["v5.channel.k8s.io"]) as channels:
            async for message in channels:
                if message.data[0] == ERROR_CHANNEL:
                    assert json.loads(message.data[1:])["status"] == "Success"
                    return

    async def docker(self) -> None:
        asked = {"Cmd": ["true"], "AttachStdout": True, "AttachStderr": True}
        async with self._engine.post(f"/containers/{self._container}/exec", json=asked) as made:
            id = (await made.json())["Id"]
        async with self._engine.post(f"/exec/{id}/start", json={"Detach": False}) as output:
            await output.read()
        async with self._engine.get(f"/exec/{id}/json") as seen:
            assert (await seen.json())["ExitCode"] == 0


async def seconds(work: Callable[[], Awaitable[None]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def latencies(bench: Bench, times: int) -> list[tuple[str, float, float, float]]:
    tls = ssl.create_default_context(cafile=str(bench.state.pki / "ca.crt"))
    tls.load_cert_chain(bench.state.pki / "admin.crt", bench.state.pki / "admin.key")
    url = f"https://127.0.0.1:{bench.state.load().ports['apiserver']}"
    engine = aiohttp.UnixConnector("/var/run/docker.sock")
    async with (
        aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=tls)) as ours,
        aiohttp.ClientSession("http://docker", connector=engine) as theirs,
    ):
        both = Latency(ours, theirs, bench.container)
        await both.podling()
        await both.docker()
        measured = [(await seconds(both.podling), await seconds(both.docker)) for _ in range(times)]
    programs = [
        (
            timed(lambda: run(KUBECTL, "exec", "box", "--", "true", environment=bench.environment)),
            timed(lambda: run("docker", "exec", bench.container, "true")),
        )
        for _ in range(times)
    ]
    return [row("exec true, one HTTP client", measured), row("exec true, kubectl / docker", programs)]


def row(what: str, measured: list[tuple[float, float]]) -> tuple[str, float, float, float]:
    mine, theirs = (statistics.median(column) for column in zip(*measured, strict=True))
    return what, mine, theirs, theirs / mine


def transfers(bench: Bench, size: int, times: int) -> tuple[list[tuple[str, float, float, float]], list[list[object]]]:
    """Speeds, and what the services' CPU did meanwhile, in seconds a hundred megabytes."""
    here, data = bench.folder / f"{size}", os.urandom(size << 20)
    here.write_bytes(data)
    environment, back = bench.environment, str(bench.folder / "back")
    with bench.forwarding(GIVES + size) as gives, bench.forwarding(TAKES + size) as takes:
        pairs: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            f"cp of {size} MB into the pod": (
                lambda: run(KUBECTL, "cp", str(here), "box:/tmp/in", environment=environment),
                lambda: run("docker", "cp", str(here), f"{bench.container}:/tmp/in"),
            ),
            f"cp of {size} MB out of the pod": (
                lambda: run(KUBECTL, "cp", f"box:/tmp/{size}", back, environment=environment),
                lambda: run("docker", "cp", f"{bench.container}:/tmp/{size}", back),
            ),
            f"port-forward of {size} MB into the pod": (
                lambda: give(("127.0.0.1", takes), data),
                lambda: give((bench.ip, TAKES + size), data),
            ),
            f"port-forward of {size} MB out of the pod": (
                lambda: take(("127.0.0.1", gives), size << 20),
                lambda: take((bench.ip, GIVES + size), size << 20),
            ),
        }
        measured: dict[str, list[tuple[float, float]]] = {what: [] for what in pairs}
        used = {what: dict.fromkeys(CARRIERS, 0.0) for what in pairs}
        for _ in range(times):
            for what, (ours, theirs) in pairs.items():
                before = bench.cpu()
                mine = timed(ours)
                for name, spent in bench.cpu().items():
                    used[what][name] += spent - before[name]
                measured[what].append((mine, timed(theirs)))
    costs: list[list[object]] = [
        [what, *(used[what][name] / times * 100 / size for name in CARRIERS)] for what in measured
    ]
    return [row(what, found) for what, found in measured.items()], costs


def main(times: int, sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="podling-bench-") as folder:
        bench = Bench(Path(folder), sizes)
        subprocess.run([PODLING, "up", "--name", NAME], env=bench.environment, check=True)
        try:
            bench.make_pod()
            rows, costs = asyncio.run(latencies(bench, times * 3)), []
            for size in sizes:
                speeds, spent = transfers(bench, size, times)
                rows += speeds
                costs += spent
        finally:
            subprocess.run([PODLING, "down", "--name", NAME, "--delete"], env=bench.environment, check=True)
    show("Streams: seconds, medians", ["what", "podling", "the engine alone", "times as fast"], rows)
    show("CPU seconds a hundred megabytes", ["what", "API server", "kubelet"], costs)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--megabytes", type=int, nargs="+", default=[10, 100])
    chosen = options.parse_args()
    main(chosen.times, chosen.megabytes)
