"""The store against a real etcd: puts by 1, 32 and 256 writers, CPU a put, watch fan-out; same client, same run.

    .venv/bin/python -m bench.store [seconds a measurement]

Both servers run alone in their own process and are asked over gRPC by the same grpcio client in this process; both
fsync before they answer, into the same file system. The order alternates, so that neither always runs first.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import grpc
from rich.console import Console
from rich.table import Table

from podling.pb.store import rpc_pb2, rpc_pb2_grpc

WRITERS = (1, 32, 256)
WATCHERS = (1, 20, 100)
VALUE = b"x" * 1024
TICKS = 100.0


class Measured(NamedTuple):
    """Operations a second, and milliseconds of the server's CPU an operation."""

    rate: float
    cpu_ms: float


class Server:
    """One server process."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", address: str) -> None:
        self.name, self.address, self._pid = name, address, process.pid

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self) -> float:
        text = Path(f"/proc/{self._pid}/smaps_rollup").read_text()
        return int(text.partition("Pss:")[2].split()[0]) / 1024


@contextmanager
def running(name: str, folder: Path) -> Iterator[Server]:
    address = f"127.0.0.1:{_free_port()}"
    if name == "etcd":
        peer = f"http://127.0.0.1:{_free_port()}"
        command = [
            "etcd", "--data-dir", str(folder / "etcd"), "--logger", "zap", "--log-level", "error",
            "--listen-client-urls", f"http://{address}", "--advertise-client-urls", f"http://{address}",
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
        ]  # fmt: skip
    else:
        command = [sys.executable, "-m", "store", str(folder / "ours"), address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(20)
        yield Server(name, process, address)
    finally:
        process.terminate()
        process.wait(10)


async def puts(server: Server, writers: int, seconds: float) -> Measured:
    """Each writer puts keys of its own, one after the other."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        put = rpc_pb2_grpc.KVStub(channel).Put

        async def write(writer: int) -> int:
            done = 0
            while time.perf_counter() < until:
                await put(rpc_pb2.PutRequest(key=b"/bench/%d/%d" % (writer, done % 100), value=VALUE))
                done += 1
            return done

        until = time.perf_counter() + 0.3
        await asyncio.gather(*(write(writer) for writer in range(writers)))
        began, cpu = time.perf_counter(), server.cpu_seconds()
        until = began + seconds
        done = sum(await asyncio.gather(*(write(writer) for writer in range(writers))))
        took = time.perf_counter() - began
        return Measured(done / took, (server.cpu_seconds() - cpu) / done * 1000)


async def fan_out(server: Server, watchers: int, seconds: float) -> Measured:
    """Events delivered to all watchers of one prefix, each on a stream of its own, while four writers put."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        put, watch = rpc_pb2_grpc.KVStub(channel).Put, rpc_pb2_grpc.WatchStub(channel).Watch
        create = rpc_pb2.WatchCreateRequest(key=b"/fan/", range_end=b"/fan0")
        counts = [0] * watchers

        wanted = 1 << 60  # until the writers have ended

        async def follow(place: int) -> None:
            stream = watch()
            await stream.write(rpc_pb2.WatchRequest(create_request=create))
            await stream.read()
            ready.release()
            while counts[place] < wanted:
                counts[place] += len((await stream.read()).events)

        async def write(writer: int) -> int:
            done = 0
            while time.perf_counter() < until:
                await put(rpc_pb2.PutRequest(key=b"/fan/%d" % writer, value=VALUE))
                done += 1
            return done

        ready = asyncio.Semaphore(0)
        following = [asyncio.create_task(follow(place)) for place in range(watchers)]
        for _ in following:
            await ready.acquire()
        began, cpu = time.perf_counter(), server.cpu_seconds()
        until = began + seconds
        written = sum(await asyncio.gather(*(write(writer) for writer in range(4))))
        wanted = written
        await put(rpc_pb2.PutRequest(key=b"/fan/end"))
        await asyncio.gather(*following)
        took, spent = time.perf_counter() - began, server.cpu_seconds() - cpu
        return Measured(sum(counts) / took, spent / sum(counts) * 1000)


async def measure(seconds: float) -> None:
    console = Console()
    table = Table("", "ours /s", "etcd /s", "ratio", "ours CPU ms", "etcd CPU ms", title="store against etcd")
    cases: list[tuple[str, Callable[[Server], Awaitable[Measured]]]] = [
        *((f"put, {n} writers", lambda server, n=n: puts(server, n, seconds)) for n in WRITERS),
        *((f"events to {n} watchers", lambda server, n=n: fan_out(server, n, seconds)) for n in WATCHERS),
    ]
    with (
        tempfile.TemporaryDirectory(prefix="bench-store-", dir=Path.cwd()) as folder,
        running("ours", Path(folder)) as ours,
        running("etcd", Path(folder)) as etcd,
    ):
        for place, (name, case) in enumerate(cases):
            order = [ours, etcd] if place % 2 else [etcd, ours]
            found = {server.name: await case(server) for server in order}
            here, there = found["ours"], found["etcd"]
            table.add_row(
                name, f"{here.rate:,.0f}", f"{there.rate:,.0f}", f"{here.rate / there.rate:.2f}",
                f"{here.cpu_ms:.3f}", f"{there.cpu_ms:.3f}",
            )  # fmt: skip
        table.caption = f"memory (PSS): ours {ours.memory_mb():.0f} MB, etcd {etcd.memory_mb():.0f} MB"
    console.print(table)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    if not shutil.which("etcd"):
        raise SystemExit("bench.store needs an etcd on PATH (Debian: apt-get install etcd-server)")
    asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0))
