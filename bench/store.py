"""The store against a real etcd: puts by 1, 32 and 256 writers, CPU a put, watch fan-out; same client, same run.

    python -m bench.store [--seconds 1] [--rounds 3]

Each server runs alone in its own process and is asked over gRPC by the same grpcio client in this one; both fsync
before they answer, into the same file system. Each case is measured `--rounds` times on either, in turns, so that a
machine that is busy for a while is busy for both. On 2 cores the client shares the machine with them: it costs about
as much CPU a call as our server does, so compare the ratios.
"""

import argparse
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

from bench.process import cpu_seconds, pss_bytes
from bench.table import show
from podling.pb.store import rpc_pb2, rpc_pb2_grpc

WRITERS = (1, 32, 256)
WATCHERS = (1, 20, 100)
VALUE = b"x" * 1024
START_SECONDS = 20


class Work(NamedTuple):
    """What was done in how long, and the server's CPU seconds for it."""

    operations: int
    seconds: float
    cpu_seconds: float


class Server(NamedTuple):
    name: str
    address: str
    pid: int


Case = Callable[[Server, float], Awaitable[Work]]


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
            grpc.channel_ready_future(channel).result(START_SECONDS)
        yield Server(name, address, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def putting(writers: int) -> Case:
    """Each writer puts keys of its own, one after the other."""

    async def case(server: Server, seconds: float) -> Work:
        async with grpc.aio.insecure_channel(server.address) as channel:
            put = rpc_pb2_grpc.KVStub(channel).Put
            await _write(put, writers, 0.2)
            began, cpu = time.perf_counter(), cpu_seconds(server.pid)
            done = await _write(put, writers, seconds)
            return Work(done, time.perf_counter() - began, cpu_seconds(server.pid) - cpu)

    return case


async def _write(put: Callable[[rpc_pb2.PutRequest], Awaitable[object]], writers: int, seconds: float) -> int:
    """How many puts all writers together got answered."""
    until = time.perf_counter() + seconds

    async def write(writer: int) -> int:
        done = 0
        while time.perf_counter() < until:
            await put(rpc_pb2.PutRequest(key=b"/bench/%d/%d" % (writer, done % 100), value=VALUE))
            done += 1
        return done

    return sum(await asyncio.gather(*(write(writer) for writer in range(writers))))


def watching(watchers: int) -> Case:
    """Events delivered to watchers of one prefix, each on a stream of its own, while four writers put."""

    async def case(server: Server, seconds: float) -> Work:
        async with grpc.aio.insecure_channel(server.address) as channel:
            put, watch = rpc_pb2_grpc.KVStub(channel).Put, rpc_pb2_grpc.WatchStub(channel).Watch
            create = rpc_pb2.WatchCreateRequest(key=b"/bench/", range_end=b"/bench0")
            streams = [watch() for _ in range(watchers)]
            for stream in streams:
                await stream.write(rpc_pb2.WatchRequest(create_request=create))
                await stream.read()
            ended = False

            async def follow(stream: grpc.aio.StreamStreamCall) -> int:
                heard = 0
                while True:
                    for event in (await stream.read()).events:
                        heard += 1
                        if ended and event.kv.key == b"/bench/end":
                            return heard

            following = [asyncio.create_task(follow(stream)) for stream in streams]
            began, cpu = time.perf_counter(), cpu_seconds(server.pid)
            await _write(put, 4, seconds)
            ended = True
            await put(rpc_pb2.PutRequest(key=b"/bench/end"))
            heard = sum(await asyncio.gather(*following))
            work = Work(heard, time.perf_counter() - began, cpu_seconds(server.pid) - cpu)
            for stream in streams:
                stream.cancel()
            return work

    return case


CASES: list[tuple[str, Case]] = [
    *((f"put, {writers} writers", putting(writers)) for writers in WRITERS),
    *((f"events to {watchers} watchers", watching(watchers)) for watchers in WATCHERS),
]


async def measure(seconds: float, rounds: int) -> None:
    rows: list[list[object]] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-store-", dir=Path.cwd()) as folder,
        running("ours", Path(folder)) as ours,
        running("etcd", Path(folder)) as etcd,
    ):
        for name, case in CASES:
            here, there = Work(0, 0, 0), Work(0, 0, 0)
            for turn in range(rounds):
                for server in (ours, etcd) if turn % 2 else (etcd, ours):
                    work = await case(server, seconds)
                    if server is ours:
                        here = _sum(here, work)
                    else:
                        there = _sum(there, work)
            rate, etcd_rate = (work.operations / work.seconds for work in (here, there))
            cpu, etcd_cpu = (work.cpu_seconds / work.operations * 1000 for work in (here, there))
            rows.append([name, rate, etcd_rate, rate / etcd_rate, cpu, etcd_cpu, cpu / etcd_cpu])
        memory = [pss_bytes(server.pid) / (1 << 20) for server in (ours, etcd)]
        rows.append(["memory (PSS, MiB)", *memory, memory[0] / memory[1], "", "", ""])
    show("The store", ["", "ours /s", "etcd /s", "ratio", "ours CPU ms", "etcd CPU ms", "ratio"], rows)


def _sum(one: Work, other: Work) -> Work:
    return Work(*(a + b for a, b in zip(one, other, strict=True)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case on each server")
    arguments = parser.parse_args()
    if shutil.which("etcd"):
        asyncio.run(measure(arguments.seconds, arguments.rounds))
    else:
        print("not measured: no etcd on PATH (Debian: apt-get install etcd-server)")
