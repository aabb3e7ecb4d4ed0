"""The API server alone: how many operations a second, and what each costs it in CPU, beside a server that does nothing.

    python -m bench.api [--pods 5000] [--clients 32] [--watchers 100] [--profile folder]

REST over HTTPS with one client certificate, `--clients` requests at a time; the client's own cost is not counted. On
2 cores client and server share the machine: compare ratios, and CPU an operation. The floor is aiohttp itself on TLS
with an answer as long as a pod; the last column is how many times that an operation costs. `--profile` writes where
the time went, one file a row, for py-spy (`pip install py-spy`).
"""

import argparse
import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec

from bench.process import cpu_seconds, pss_bytes
from bench.server import Server, api_server, empty_server
from bench.table import show

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"
NODES = 50
PAGE = 500
SECONDS = 2.0  # that rows which only read take


class Row(NamedTuple):
    what: str
    operations: int
    a_second: float
    server_cpu_ms: float


def pod(number: int) -> dict[str, Any]:
    container = {"name": "app", "image": "nginx:1.27", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    labels = {"app": "web", "tier": "front", "group": str(number % NODES)}
    spec = {"containers": [container], "automountServiceAccountToken": False, "nodeName": f"n{number % NODES}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{number}", "labels": labels}, "spec": spec}


class Caller:
    def __init__(self, server: Server, http: aiohttp.ClientSession, clients: int, profiles: Path | None = None) -> None:
        self.pid, self.http, self.clients, self.profiles = server.pid, http, clients, profiles

    async def __call__(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> bytes:
        async with self.http.request(method, path, json=body, headers={"Content-Type": kind}) as answer:
            data = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {data[:300]!r}")
            return data

    async def measure(self, what: str, calls: Iterable[tuple[Any, ...]], clients: int = 0, seconds: float = 0) -> Row:
        """Make the calls, so many at a time; of calls without an end, as many as `seconds` take."""
        waiting, done = iter(calls), 0
        profile = self._profile(what)
        cpu, start = cpu_seconds(self.pid), time.perf_counter()

        async def client() -> None:
            nonlocal done
            for call in waiting:
                await self(*call)
                done += 1
                if seconds and time.perf_counter() - start > seconds:
                    return

        await asyncio.gather(*(client() for _ in range(clients or self.clients)))
        took, cost = time.perf_counter() - start, cpu_seconds(self.pid) - cpu
        if profile is not None:
            profile.send_signal(signal.SIGINT)
            profile.wait()
        return Row(what, done, done / took, cost / done * 1000)

    def _profile(self, what: str) -> "subprocess.Popen[bytes] | None":
        if self.profiles is None:
            return None
        py_spy, file = Path(sys.executable).with_name("py-spy"), self.profiles / f"{what.replace(' ', '-')}.txt"
        asked = ["--rate", "200", "--format", "raw", "--pid", str(self.pid), "--output", str(file)]
        return subprocess.Popen([py_spy, "record", *asked], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @asynccontextmanager
    async def watching(self, watchers: int, changes: int) -> AsyncIterator[list[asyncio.Task[None]]]:
        """So many watches of all pods, each of which ends when it has heard of so many changes."""
        version = msgspec.json.decode(await self("GET", "/api/v1/pods?limit=1"))["metadata"]["resourceVersion"]
        ready = asyncio.Semaphore(0)

        async def watch() -> None:
            heard = 0
            async with self.http.get(f"/api/v1/pods?watch=1&resourceVersion={version}") as answer:
                ready.release()
                async for data in answer.content.iter_any():
                    heard += data.count(b'{"type":"MODIFIED"')
                    if heard >= changes:
                        return

        tasks = [asyncio.create_task(watch()) for _ in range(watchers)]
        for _ in tasks:
            await ready.acquire()
        yield tasks
        await asyncio.gather(*tasks)

    async def fan_out(self, watchers: int, changes: int) -> list[Row]:
        """The changes alone, then with the watches: the difference is what the events cost."""
        alone = await self.measure("patch", (_patch(number, "alone") for number in range(changes)))
        async with self.watching(watchers, changes) as watches:
            cpu, start = cpu_seconds(self.pid), time.perf_counter()
            with_them = await self.measure(
                f"patch, {watchers} watching", (_patch(number, "watched") for number in range(changes))
            )
            await asyncio.gather(*watches)
            took, cost = time.perf_counter() - start, cpu_seconds(self.pid) - cpu
        events = changes * watchers
        each = (cost - alone.server_cpu_ms * changes / 1000) / events * 1000
        return [alone, with_them, Row(f"event to one of {watchers} watchers", events, events / took, max(each, 0.0))]


def _patch(number: int, text: str) -> tuple[Any, ...]:
    return "PATCH", f"{PODS}/p{number}", {"metadata": {"annotations": {"n": text}}}, MERGE


async def run(server: Server, options: argparse.Namespace) -> tuple[list[Row], float]:
    pods, clients = options.pods, options.clients
    async with server.session() as http:
        call = Caller(server, http, clients, options.profile)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await call("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        names = [f"p{number}" for number in range(pods)]
        some = list(itertools.islice(itertools.cycle(names), 2000))
        status = {"status": {"phase": "Running", "podIP": "10.244.1.2"}}
        rows = [await call.measure("create", (("POST", PODS, pod(number)) for number in range(pods)))]
        read = msgspec.json.decode(await call("GET", f"{PODS}/p0"))
        with empty_server(server, len(msgspec.json.encode(read))) as empty:
            async with empty.session() as other:
                nothing = Caller(empty, other, clients)
                await nothing.measure("connections", [("GET", "/")] * 4 * clients)
                floor = await nothing.measure("the floor", [("GET", "/")] * 4000)
        rows.insert(0, floor)
        rows.append(await call.measure("get", (("GET", f"{PODS}/{name}") for name in some)))
        rows.append(
            await call.measure("patch status", (("PATCH", f"{PODS}/{name}/status", status, MERGE) for name in some))
        )
        found = msgspec.json.decode(await call("GET", PODS))["items"]
        for each in found[: len(some)]:
            each["metadata"]["labels"]["new"] = "yes"
        changed = [("PUT", f"{PODS}/{each['metadata']['name']}", each) for each in found[: len(some)]]
        rows.append(await call.measure("update", changed))
        first = msgspec.json.decode(await call("GET", f"{PODS}?limit={PAGE}"))["metadata"].get("continue", "")
        for what, query in (
            (f"list of {pods}", ""),
            (f"one page of {PAGE} of it", f"?limit={PAGE}&continue={first}"),
            (f"list of {pods // NODES} of {pods} by label", "?labelSelector=group=7"),
            (f"list of {pods // NODES} of {pods} by field", "?fieldSelector=spec.nodeName=n7"),
            ("list of one by its name", "?fieldSelector=metadata.name=p7"),
        ):
            rows.append(await call.measure(what, itertools.repeat(("GET", PODS + query)), 2, SECONDS))
        rows += await call.fan_out(options.watchers, min(pods, 500))
        async with call.watching(options.watchers, 1) as _:
            memory = pss_bytes(server.pid) / 2**20
            await call(*_patch(0, "the end"))
        now = "?gracePeriodSeconds=0"
        rows.append(await call.measure("delete", (("DELETE", f"{PODS}/{name}{now}") for name in names)))
        return rows, memory


def main(options: argparse.Namespace) -> None:
    before = os.getloadavg()[0]
    with api_server() as server:
        rows, memory = asyncio.run(run(server, options))
    floor = rows[0].server_cpu_ms
    title = f"API server, {options.clients} clients, {options.pods} pods"
    header = ["what", "operations", "a second", "server CPU ms each", "x the floor"]
    show(title, header, [[*row, row.server_cpu_ms / floor] for row in rows])
    print(f"\nserver memory (PSS) with {options.pods} pods and {options.watchers} watchers: {memory:.0f} MiB")
    print(f"load average before: {before:.1f}, after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--watchers", type=int, default=100)
    parser.add_argument("--profile", type=Path, default=None, help="a folder for py-spy's raw stacks")
    main(parser.parse_args())
