"""The runtime alone: a pod of two containers by DockerRuntime, against the same two by the Docker SDK alone.

    python -m bench.pod_floor [--times 15] [--at-once 4]

The floor is what compose does: both containers on a Docker network of their own, created and started by the SDK. Rounds
alternate in one run, medians count; absolute times of a shared machine mean little, the ratio does.
"""

import argparse
import asyncio
import io
import statistics
import tarfile
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import docker

from bench.table import show
from kubelet.docker.cleanup import remove_cluster
from kubelet.docker.engine import DockerEngine
from kubelet.docker.network import EngineNetworks
from kubelet.docker.runtime import DockerRuntime
from kubelet.network.dockernet import DockerNetwork
from kubelet.network.network import NetworkSpec
from kubelet.network.ptp import PointToPoint
from kubelet.runtime import ContainerWanted, PodRef, SandboxWanted

IMAGE = "podling-bench/busybox:1"
RANGE = IPv4Network("10.238.0.0/16")
Round = Callable[[], Awaitable[None]]


def import_busybox(client: Any) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
    repository, _, tag = IMAGE.partition(":")
    client.import_image_from_data(buffer.getvalue(), repository=repository, tag=tag, changes=["ENV PATH=/bin"])


def floor_pod(client: Any, network: str, made: list[str]) -> None:
    holder = client.create_container(
        IMAGE, ["busybox", "sleep", "1000"], host_config=client.create_host_config(network_mode=network)
    )["Id"]
    made.append(holder)
    client.start(holder)
    join = client.create_host_config(network_mode=f"container:{holder}")
    member = client.create_container(IMAGE, ["busybox", "sleep", "1000"], host_config=join)["Id"]
    made.append(member)
    client.start(member)


async def runtime_pod(runtime: DockerRuntime) -> None:
    ref = PodRef(str(uuid.uuid4()), "default", "bench")
    wanted = SandboxWanted(ref, 0, "bench", nameservers=["10.96.0.10"], searches=["cluster.local"])
    box = await runtime.start_sandbox(wanted)
    await runtime.start_container(box.id, ContainerWanted(ref, "app", 0, IMAGE, command=["busybox", "sleep", "1000"]))


async def seconds(round_: Round, at_once: int) -> float:
    """Per pod."""
    start = time.perf_counter()
    await asyncio.gather(*(round_() for _ in range(at_once)))
    return (time.perf_counter() - start) / at_once


async def measure(times: int, at_once: int, folder: Path) -> None:
    cluster = f"floor-{uuid.uuid4().hex[:6]}"
    client = docker.APIClient(version="auto")
    import_busybox(client)
    made: list[str] = []
    client.create_network(f"{cluster}-sdk", labels={"podling.cluster": cluster})

    def spec(node: int) -> NetworkSpec:
        return NetworkSpec(cluster, f"n{node}", RANGE, IPv4Network(f"10.238.{node}.0/24"))

    ptp = DockerRuntime(spec(1), folder / "ptp", PointToPoint(spec(1)))
    none = DockerRuntime(spec(2), folder / "none", PointToPoint(spec(2), unshare=False))
    bridged = NetworkSpec(cluster, "n3", IPv4Network("10.237.0.0/16"), IPv4Network("10.237.3.0/24"))
    bridge = DockerRuntime(bridged, folder / "bridge", DockerNetwork(bridged, EngineNetworks(DockerEngine())))
    rounds: dict[str, Round] = {
        "Docker SDK alone, own Docker network": lambda: asyncio.to_thread(floor_pod, client, f"{cluster}-sdk", made),
        "DockerRuntime, pause unshares, veth": lambda: runtime_pod(ptp),
        "DockerRuntime, network none, veth": lambda: runtime_pod(none),
        "DockerRuntime, Docker network": lambda: runtime_pod(bridge),
    }
    try:
        await asyncio.gather(*(runtime.node_ip() for runtime in (ptp, none, bridge)))
        for each in rounds.values():
            await each()
        for many in sorted({1, at_once}):
            taken: dict[str, list[float]] = {what: [] for what in rounds}
            for _ in range(times if many == 1 else max(3, times // many)):
                for what, each in rounds.items():
                    taken[what].append(await seconds(each, many))
                for id in made:
                    client.remove_container(id, force=True)
                made.clear()
            report(taken, many)
    finally:
        for runtime in (ptp, none, bridge):
            await runtime.close()
        for id in made:
            client.remove_container(id, force=True)
        await asyncio.to_thread(remove_cluster, cluster)


def report(taken: dict[str, list[float]], many: int) -> None:
    medians = {what: statistics.median(each) for what, each in taken.items()}
    floor = next(iter(medians.values()))
    rows = [(what, f"{1000 * each:.0f}", f"{each / floor:.2f}") for what, each in medians.items()]
    show(f"{many} at once: pause and one member, created and started", ("by", "ms a pod, median", "ratio"), rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--at-once", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="podling-floor-") as scratch:
        asyncio.run(measure(arguments.times, arguments.at_once, Path(scratch)))
