"""What an HTTP probe costs the kubelet: its own GET against aiohttp's, 100 pods probed each second, on its own loop.

    .venv/bin/python -m bench.probes

The server is a process of its own, so that only the prober's CPU counts.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from kubelet.probes.handlers import PROBE_AGENT
from kubelet.probes.http_get import get
from kubelet.probes.probes import next_due

PODS, SECONDS = 100, 5.0
SERVER = """
import asyncio
class Answer(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
        self.transport.close()
async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
Ask = Callable[[], Awaitable[object]]


async def measured(ask: Ask, aligned: bool) -> float:
    """CPU seconds a probe."""
    asked = 0

    async def pod(number: int) -> None:
        nonlocal asked
        await asyncio.sleep(number / PODS)
        due = time.monotonic()
        while True:
            await ask()
            asked += 1
            now = time.monotonic()
            due = next_due(due, 1.0, now) if aligned else now + 1.0
            await asyncio.sleep(due - now)

    tasks = [asyncio.create_task(pod(number)) for number in range(PODS)]
    await asyncio.sleep(1.5)
    asked, began = 0, time.process_time()
    await asyncio.sleep(SECONDS)
    spent = time.process_time() - began
    for task in tasks:
        task.cancel()
    return spent / asked


async def compare(url: str) -> None:
    headers = {"User-Agent": PROBE_AGENT, "Accept": "*/*"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0)) as session:

        async def by_aiohttp() -> None:
            async with asyncio.timeout(1), session.get(url, headers=headers) as response:
                await response.read()

        async def by_kubelet() -> None:
            async with asyncio.timeout(1):
                await get(url, list(headers.items()))

        rows = [
            ("aiohttp, each at its own time", by_aiohttp, False),
            ("the kubelet's GET, each at its own time", by_kubelet, False),
            ("the kubelet's GET, at times they share", by_kubelet, True),
        ]
        for name, ask, aligned in rows:
            cost = await measured(ask, aligned)
            print(f"{name:42} {cost * 1e6:6.0f} µs a probe  {cost * PODS * 100:5.1f} % of a core for {PODS} pods")


def main() -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        port = int(server.stdout.readline())
        uvloop.run(compare(f"http://127.0.0.1:{port}/"))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
