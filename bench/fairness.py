"""One greedy client beside a quiet one: how long the quiet one waits for its answers, and the greedy one for its own.

    python -m bench.fairness [--lists 200] [--objects 1000] [--seconds 8]

The greedy client, a process of its own, lists all objects, so many times at once, without a pause. The quiet one reads
one object after the other. Both are service accounts: the administrator's certificate would be exempt. On 2 cores the
greedy client's own parsing takes a core.
"""

import argparse
import asyncio
import statistics
import sys
import time
from typing import Any

import aiohttp

from bench.server import Server, api_server
from bench.table import show

MAPS = "/api/v1/namespaces/default/configmaps"
PAUSE_SECONDS = 0.02


async def account(http: aiohttp.ClientSession, name: str) -> str:
    """A service account that may do all; its token."""
    await http.post("/api/v1/namespaces/default/serviceaccounts", json={"metadata": {"name": name}})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
    }
    await http.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", json=binding)
    path = f"/api/v1/namespaces/default/serviceaccounts/{name}/token"
    async with http.post(path, json={"spec": {"expirationSeconds": 3600}}) as answer:
        return str((await answer.json())["status"]["token"])


async def timed(http: aiohttp.ClientSession, path: str) -> float:
    began = time.perf_counter()
    async with http.get(path) as answer:
        await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - began


async def quiet(http: aiohttp.ClientSession, seconds: float) -> list[float]:
    end, found = time.monotonic() + seconds, []
    while time.monotonic() < end:
        found.append(await timed(http, f"{MAPS}/m1"))
        await asyncio.sleep(PAUSE_SECONDS)
    return found


def session(url: str, token: str) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {token}"}
    return aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=False, limit=0), headers=headers)


async def greedy(url: str, token: str, lists: int, seconds: float) -> None:
    """Prints the median time of a list."""
    end, found = time.monotonic() + seconds, []

    async def on_and_on(http: aiohttp.ClientSession) -> None:
        while time.monotonic() < end:
            found.append(await timed(http, MAPS))

    async with session(url, token) as http:
        await asyncio.gather(*(on_and_on(http) for _ in range(lists)))
    print(statistics.median(found))


async def compare(server: Server, asked: argparse.Namespace) -> list[tuple[str, float, float, float]]:
    async with server.session() as admin:
        for number in range(asked.objects):
            body: dict[str, Any] = {"metadata": {"name": f"m{number}"}, "data": {"text": "x" * 500}}
            await admin.post(MAPS, json=body)
        tokens = [await account(admin, name) for name in ("quiet", "greedy")]
    command = [sys.executable, "-m", "bench.fairness", "--greedy", server.url, tokens[1]]
    options = ["--lists", str(asked.lists), "--seconds", str(asked.seconds)]
    async with session(server.url, tokens[0]) as http:
        alone = await quiet(http, 2.0)
        other = await asyncio.create_subprocess_exec(*command, *options, stdout=asyncio.subprocess.PIPE)
        await asyncio.sleep(asked.seconds / 4)
        beside = await quiet(http, asked.seconds / 2)
    lists = float((await other.communicate())[0])
    return [_row("quiet, alone", alone), _row("quiet, beside", beside), ("a greedy list", lists * 1000, 0.0, 0.0)]


def _row(what: str, found: list[float]) -> tuple[str, float, float, float]:
    return what, statistics.median(found) * 1000, statistics.quantiles(found, n=20)[-1] * 1000, max(found) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lists", type=int, default=200)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--greedy", nargs=2, metavar=("URL", "TOKEN"))
    asked = parser.parse_args()
    if asked.greedy:
        url, token = asked.greedy
        asyncio.run(greedy(url, token, asked.lists, asked.seconds))
        return
    with api_server() as server:
        rows = asyncio.run(compare(server, asked))
    show(f"{asked.lists} lists of {asked.objects} at once", ("ms", "median", "95 %", "worst"), rows)


if __name__ == "__main__":
    main()
