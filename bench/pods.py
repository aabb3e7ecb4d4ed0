"""From `create` to Running, against Docker's own floor in the same run.

    python -m bench.pods [--times 9] [--many 20]

The floor: the same two containers (a holder of the network, and a member that joins it) created and started by the
Docker SDK alone, on a Docker network of their own, as compose does it. Rounds alternate, medians count.
"""

import argparse
import asyncio
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import docker
import msgspec

from bench.table import show
from podling.state import State

PODLING = str(Path(sys.executable).with_name("podling"))
NAME = "bench-pods"
IMAGE = "busybox"
PODS = "/api/v1/namespaces/default/pods"
FLOOR_THREADS = 8


class Floor:
    """Docker's SDK alone."""

    def __init__(self) -> None:
        self._docker = docker.from_env()
        self._network = self._docker.networks.create(f"podling-bench-{uuid.uuid4().hex[:8]}")
        self._made: list[str] = []

    def pod(self) -> None:
        command = ["sleep", "3600"]
        holder = self._docker.containers.create(IMAGE, command, network=self._network.name)
        self._made.append(holder.id)
        holder.start()
        member = self._docker.containers.create(IMAGE, command, network_mode=f"container:{holder.id}")
        self._made.append(member.id)
        member.start()

    async def measure(self, count: int) -> float:
        """Seconds until `count` pods run."""
        loop, start = asyncio.get_running_loop(), time.perf_counter()
        with ThreadPoolExecutor(FLOOR_THREADS) as pool:
            await asyncio.gather(*(loop.run_in_executor(pool, self.pod) for _ in range(count)))
        seconds = time.perf_counter() - start
        self.clear()
        return seconds

    def clear(self) -> None:
        for made in reversed(self._made):
            self._docker.api.remove_container(made, force=True)
        self._made.clear()

    def close(self) -> None:
        self.clear()
        self._network.remove()


class Podling:
    """A running cluster, asked over REST."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def measure(self, count: int) -> float:
        """Seconds from the first create until `count` pods are Running, by a watch."""
        names = {f"bench-{uuid.uuid4().hex[:10]}" for _ in range(count)}
        async with self._http.get(f"{PODS}?watch=1") as events:
            start = time.perf_counter()
            await asyncio.gather(*(self._create(name) for name in names))
            await self._until(
                events, set(names), lambda event: event["object"].get("status", {}).get("phase") == "Running"
            )
            seconds = time.perf_counter() - start
            for name in names:
                async with self._http.delete(f"{PODS}/{name}") as answer:
                    answer.raise_for_status()
            await self._until(events, set(names), lambda event: event["type"] == "DELETED")
        return seconds

    async def _create(self, name: str) -> None:
        container = {"name": "app", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        async with self._http.post(PODS, json=body) as answer:
            answer.raise_for_status()

    @staticmethod
    async def _until(events: aiohttp.ClientResponse, names: set[str], done: Callable[[dict], bool]) -> None:  # type: ignore[type-arg]
        while names:
            event = msgspec.json.decode(await events.content.readline())
            if done(event):
                names.discard(event["object"]["metadata"]["name"])


async def run(folder: Path, times: int, many: int) -> None:
    state = State(NAME, folder / "podling")
    tls = ssl.create_default_context(cafile=str(state.pki / "ca.crt"))
    tls.load_cert_chain(state.pki / "admin.crt", state.pki / "admin.key")
    url = f"https://127.0.0.1:{state.load().ports['apiserver']}"
    floor = Floor()
    try:
        async with aiohttp.ClientSession(
            url, connector=aiohttp.TCPConnector(ssl=tls), read_bufsize=2**20, timeout=aiohttp.ClientTimeout(None)
        ) as http:
            ours = Podling(http)
            await ours.measure(1)
            rows = [
                await compare("one pod", ours.measure, floor.measure, 1, times),
                await compare(f"{many} pods at once", ours.measure, floor.measure, many, 3),
            ]
    finally:
        floor.close()
    show("create → Running", ["what", "podling, s", "Docker SDK alone, s", "ratio"], rows)


async def compare(
    what: str, ours: Callable[[int], Awaitable[float]], floor: Callable[[int], Awaitable[float]], count: int, times: int
) -> tuple[str, float, float, float]:
    measured = [(await ours(count), await floor(count)) for _ in range(times)]
    mine, theirs = (statistics.median(column) for column in zip(*measured, strict=True))
    return what, mine, theirs, mine / theirs


def main(times: int, many: int) -> None:
    with tempfile.TemporaryDirectory(prefix="podling-bench-") as folder:
        environment = os.environ | {"XDG_STATE_HOME": folder, "KUBECONFIG": f"{folder}/config"}
        subprocess.run([PODLING, "up", "--name", NAME], env=environment, check=True)
        try:
            asyncio.run(run(Path(folder), times, many))
        finally:
            subprocess.run([PODLING, "down", "--name", NAME, "--delete"], env=environment, check=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--times", type=int, default=9)
    options.add_argument("--many", type=int, default=20)
    chosen = options.parse_args()
    main(chosen.times, chosen.many)
