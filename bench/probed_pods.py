"""Many pods on one node: how soon all run, and what the kubelet costs then, without probes and with one a second each.

    python -m bench.probed_pods [--pods 100] [--seconds 15]

Of ten probed pods eight are asked by HTTP, one by a connection and one by a command; a command's own cost is the
engine's. The floor: the same containers created and started by the Docker SDK alone.
"""

import argparse
import asyncio
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from bench.pods import IMAGE, PODLING, PODS, Floor
from bench.process import cpu_seconds
from bench.table import show
from podling.cli.report import read_report
from podling.state import State

NAME = "bench-probed"
PORT = 8080
HTTP: dict[str, Any] = {"httpGet": {"path": "/", "port": PORT}}
KINDS: list[dict[str, Any]] = [*[HTTP] * 8, {"tcpSocket": {"port": PORT}}, {"exec": {"command": ["true"]}}]
SERVES = f"echo ok > /index.html; exec httpd -f -p {PORT} -h /"
LOOK_SECONDS = 0.2
SETTLE_SECONDS = 5.0  # events and status writes that follow a start


def manifest(number: int, probed: bool) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "app",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", SERVES],
    }
    if probed:
        container["readinessProbe"] = {**KINDS[number % len(KINDS)], "periodSeconds": 1}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"many-{number}"}, "spec": spec}


class Bench:
    def __init__(self, http: aiohttp.ClientSession, state: State) -> None:
        self._http, self._state = http, state

    async def start(self, count: int, probed: bool) -> float:
        """Seconds from the first create until all are ready."""
        begin = time.perf_counter()
        for number in range(count):
            async with self._http.post(PODS, json=manifest(number, probed)) as answer:
                answer.raise_for_status()
        await self._until(lambda pods: len(pods) == count and all(map(ready, pods)))
        return time.perf_counter() - begin

    async def remove(self) -> None:
        async with self._http.delete(PODS) as answer:
            answer.raise_for_status()
        await self._until(lambda pods: not pods)

    async def _until(self, done: Callable[[list[dict[str, Any]]], bool]) -> None:
        while True:
            async with self._http.get(PODS) as answer:
                if done((await answer.json())["items"]):
                    return
            await asyncio.sleep(LOOK_SECONDS)

    async def cost(self, seconds: float) -> dict[str, float]:
        """Of each service, in percent of a core."""
        await asyncio.sleep(SETTLE_SECONDS)
        before, begin = self._cpu(), time.perf_counter()
        await asyncio.sleep(seconds)
        passed = time.perf_counter() - begin
        return {name: 100 * (used - before[name]) / passed for name, used in self._cpu().items()}

    def _cpu(self) -> dict[str, float]:
        report = read_report(self._state)
        assert report is not None
        return {name: cpu_seconds(service.pid) for name, service in report.services.items()}


def ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def run(folder: Path, count: int, seconds: float) -> None:
    state = State(NAME, folder / "podling")
    tls = ssl.create_default_context(cafile=str(state.pki / "ca.crt"))
    tls.load_cert_chain(state.pki / "admin.crt", state.pki / "admin.key")
    url = f"https://127.0.0.1:{state.load().ports['apiserver']}"
    floor = Floor()
    try:
        alone = await floor.measure(count)
    finally:
        floor.close()
    starts: list[tuple[str, float, float]] = [("the Docker SDK alone: a holder and a member each", alone, 1.0)]
    costs: list[list[object]] = []
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=tls)) as http:
        bench = Bench(http, state)
        for what, probed in (("without probes", False), ("each probed once a second", True)):
            took = await bench.start(count, probed)
            starts.append((f"podling, until all are ready, {what}", took, took / alone))
            spent = await bench.cost(seconds)
            costs.append([what, spent["kubelet-n1"], spent["apiserver"], sum(spent.values())])
            await bench.remove()
    show(f"{count} pods on one node", ["by", "seconds", "ratio"], starts)
    show(f"{count} pods that run: percent of a core", ["what", "kubelet", "API server", "all services"], costs)


def main(count: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="podling-bench-") as folder:
        environment = os.environ | {"XDG_STATE_HOME": folder, "KUBECONFIG": f"{folder}/config"}
        subprocess.run([PODLING, "up", "--name", NAME], env=environment, check=True)
        try:
            asyncio.run(run(Path(folder), count, seconds))
        finally:
            subprocess.run([PODLING, "down", "--name", NAME, "--delete"], env=environment, check=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--pods", type=int, default=100)
    options.add_argument("--seconds", type=float, default=15.0)
    chosen = options.parse_args()
    main(chosen.pods, chosen.seconds)
