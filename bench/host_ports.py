"""A port of the node that leads to a pod: by our packet rules, by a forwarder in asyncio, and the pod's own address.

    python -m bench.host_ports [--connections 200] [--megabytes 64]

A server in the pod's network namespace answers one byte for each connection, or sends a stream. Rounds alternate in one
run; the ratio to the pod's own address counts. docs/decisions/0012-host-ports.md
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from ipaddress import IPv4Network
from pathlib import Path

from bench.table import show
from kubelet.docker.cleanup import remove_cluster
from kubelet.docker.runtime import DockerRuntime
from kubelet.network.namespace import inside, open_namespace
from kubelet.network.network import NetworkSpec
from kubelet.network.ptp import PointToPoint
from kubelet.runtime import PodRef, SandboxWanted
from podling.api.host_ports import ANY, HostPort

RANGE = IPv4Network("10.237.0.0/16")
IN_POD = 7000
CHUNK = 1 << 16
FORWARDER = """
import asyncio, sys
async def copy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def serve(reader, writer):
    there = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[3]))
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def serve(listening: socket.socket) -> None:
    """b"s" asks for a stream of so many MiB, as the next 4 digits say; anything else for one byte."""
    while True:
        connection, _ = listening.accept()
        with connection:
            asked = connection.recv(5)
            if not asked.startswith(b"s"):
                connection.sendall(b"1")
                continue
            for _ in range(int(asked[1:]) * (1 << 20) // CHUNK):
                connection.sendall(bytes(CHUNK))


def connect_ms(address: tuple[str, int]) -> float:
    begun = time.perf_counter()
    with socket.create_connection(address, 5) as connection:
        connection.sendall(b"1....")
        connection.recv(1)
    return 1000 * (time.perf_counter() - begun)


def megabytes_a_second(address: tuple[str, int], megabytes: int) -> float:
    begun = time.perf_counter()
    with socket.create_connection(address, 5) as connection:
        connection.sendall(b"s%04d" % megabytes)
        while connection.recv(CHUNK * 4):
            pass
    return megabytes / (time.perf_counter() - begun)


async def measure(connections: int, megabytes: int, folder: Path) -> None:
    cluster = f"ports-{uuid.uuid4().hex[:6]}"
    spec = NetworkSpec(cluster, "n1", RANGE, RANGE)
    runtime = DockerRuntime(spec, folder, PointToPoint(spec))
    ports = [_free_port(), _free_port()]
    forwarder: subprocess.Popen[str] | None = None
    try:
        ref = PodRef(str(uuid.uuid4()), "default", "bench")
        wanted = SandboxWanted(ref, 0, "bench", ports=[HostPort("TCP", ANY, ports[0], IN_POD)])
        box = await runtime.start_sandbox(wanted)
        pause = await runtime.connection.call(lambda: runtime.connection.client().inspect_container(box.id))
        namespace = open_namespace(pause["State"]["Pid"])
        listening = inside(namespace, lambda: socket.create_server(("0.0.0.0", IN_POD), backlog=64))
        os.close(namespace)
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        command = [sys.executable, "-c", FORWARDER, box.ip, str(IN_POD), str(ports[1])]
        forwarder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
        assert forwarder.stdout
        forwarder.stdout.readline()
        ways = {
            "the pod's address": (box.ip, IN_POD),
            "packet rules, 127.0.0.1": ("127.0.0.1", ports[0]),
            "packet rules, the node's address": (await runtime.node_ip(), ports[0]),
            "asyncio forwarder": ("127.0.0.1", ports[1]),
        }
        await asyncio.to_thread(_compare, ways, connections, megabytes)
    finally:
        if forwarder:
            forwarder.kill()
            forwarder.wait()
        await runtime.close()
        await asyncio.to_thread(remove_cluster, cluster)


def _compare(ways: dict[str, tuple[str, int]], connections: int, megabytes: int) -> None:
    latencies: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(connections):
        for name, address in ways.items():
            latencies[name].append(connect_ms(address))
    rates = {name: megabytes_a_second(address, megabytes) for name, address in ways.items()}
    medians = {name: statistics.median(found) for name, found in latencies.items()}
    floor = medians["the pod's address"]
    rows = [(name, f"{medians[name]:.2f}", f"{medians[name] / floor:.2f}", f"{rates[name]:.0f}") for name in ways]
    show("a port of the node", ["way", "connect and answer ms", "ratio", "MB/s"], rows)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=64)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given.connections, given.megabytes, Path(folder)))


if __name__ == "__main__":
    main()
