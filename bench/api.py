"""The API server alone: how many operations a second, and what each costs it in CPU.

    python -m bench.api [--pods 2000] [--clients 32]

REST over HTTPS with one client certificate, `--clients` requests at a time; the client's own cost is not counted. On
2 cores client and server share the machine: compare ratios, and CPU an operation.
"""

import argparse
import asyncio
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import aiohttp
import msgspec

from bench.process import cpu_seconds, pss_bytes
from bench.server import Server, api_server
from bench.table import show

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"
WATCHERS = 20


class Row(NamedTuple):
    what: str
    operations: int
    a_second: float
    server_cpu_ms: float


def pod(name: str) -> dict[str, Any]:
    container = {"name": "app", "image": "nginx:1.27", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    labels = {"app": "web", "tier": "front"}
    spec = {"containers": [container], "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


class Caller:
    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.pid, self.http = server.pid, http

    async def __call__(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> bytes:
        async with self.http.request(method, path, json=body, headers={"Content-Type": kind}) as answer:
            data = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {data[:300]!r}")
            return data

    async def measure(self, what: str, calls: Iterable[tuple[Any, ...]], clients: int) -> Row:
        """Make the calls, `clients` at a time."""
        waiting = list(calls)
        count = len(waiting)
        cpu, start = cpu_seconds(self.pid), time.perf_counter()

        async def client() -> None:
            while waiting:
                await self(*waiting.pop())

        await asyncio.gather(*(client() for _ in range(clients)))
        seconds = time.perf_counter() - start
        return Row(what, count, count / seconds, (cpu_seconds(self.pid) - cpu) / count * 1000)

    async def fan_out(self, changes: int) -> Row:
        """`WATCHERS` watches of all pods, and one change of each of the first `changes` pods."""
        version = msgspec.json.decode(await self("GET", "/api/v1/pods?limit=1"))["metadata"]["resourceVersion"]
        watching = asyncio.Semaphore(0)

        async def watch() -> None:
            seen = 0
            async with self.http.get(f"/api/v1/pods?watch=1&resourceVersion={version}") as answer:
                watching.release()
                async for line in answer.content:
                    seen += line.startswith(b'{"type":"MODIFIED"')
                    if seen == changes:
                        return

        watches = [asyncio.create_task(watch()) for _ in range(WATCHERS)]
        for _ in watches:
            await watching.acquire()
        cpu, start = cpu_seconds(self.pid), time.perf_counter()
        for number in range(changes):
            await self("PATCH", f"{PODS}/p{number}", {"metadata": {"annotations": {"n": str(number)}}}, MERGE)
        await asyncio.gather(*watches)
        seconds, events = time.perf_counter() - start, changes * WATCHERS
        cost = (cpu_seconds(self.pid) - cpu) / events * 1000
        return Row(f"events to {WATCHERS} watchers, their patches included", events, events / seconds, cost)


async def run(server: Server, pods: int, clients: int) -> tuple[list[Row], float]:
    async with server.session() as http:
        call = Caller(server, http)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await call("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        names = [f"p{number}" for number in range(pods)]
        status = {"status": {"phase": "Running", "podIP": "10.244.1.2"}}
        rows = [
            await call.measure("create", [("POST", PODS, pod(name)) for name in names], clients),
            await call.measure("get", [("GET", f"{PODS}/{name}") for name in names], clients),
            await call.measure(
                "patch status", [("PATCH", f"{PODS}/{name}/status", status, MERGE) for name in names], clients
            ),
            await call.measure(f"list of {pods}", [("GET", PODS)] * 20, 2),
            await call.measure(f"list of {pods}, selecting none", [("GET", f"{PODS}?labelSelector=app=db")] * 20, 2),
            await call.fan_out(min(pods, 200)),
        ]
        memory = pss_bytes(server.pid) / 2**20
        now = "?gracePeriodSeconds=0"
        rows.append(await call.measure("delete", [("DELETE", f"{PODS}/{name}{now}") for name in names], clients))
        return rows, memory


def main(pods: int, clients: int) -> None:
    with api_server() as server:
        rows, memory = asyncio.run(run(server, pods, clients))
    show(f"API server, {clients} clients, {pods} pods", ["what", "operations", "a second", "server CPU ms each"], rows)
    print(f"\nserver memory (PSS) with {pods} pods: {memory:.0f} MiB")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--pods", type=int, default=2000)
    options.add_argument("--clients", type=int, default=32)
    chosen = options.parse_args()
    main(chosen.pods, chosen.clients)
