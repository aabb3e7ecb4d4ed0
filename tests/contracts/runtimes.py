"""What the runtime contract runs on: the runtime in memory, and Docker with either network.

A `Bench` makes a runtime's containers do what a test says in plain words; with Docker they are real shells.
"""

import asyncio
import io
import os
import socket
import tarfile
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from kubelet.docker.engine import DockerEngine, translated
from kubelet.docker.network import EngineNetworks
from kubelet.docker.runtime import DockerRuntime
from kubelet.fake import FakeRuntime, Program
from kubelet.network.dockernet import DockerNetwork
from kubelet.network.network import NetworkSpec
from kubelet.network.ptp import PointToPoint
from kubelet.runtime import (
    ContainerSeen,
    ContainerWanted,
    ImageSeen,
    PodRef,
    PodSeen,
    Runtime,
    RuntimeUnavailable,
    SandboxSeen,
    SandboxWanted,
    State,
)

BUSYBOX = "podling-test/busybox:3"
APPLETS = "sh sleep cat echo ip hostname wget httpd nc ps id kill true false ls head tail seq stty env dd touch rm grep"
ACCOUNTS = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nalice:x:1000:100::/:/bin/sh\n",
    "etc/group": "root:x:0:\nusers:x:100:\nextra:x:50000:alice\n",
}
WAIT_SECONDS = 60.0

# What a test's container does: (shell, program in memory).
FOREVER = ("exec sleep 1000", Program(ignores_term=True))
POLITE = ("trap 'exit 7' TERM; echo yes > /tmp/listens; while :; do sleep 0.05; done", Program(on_term=7))
SUCCEED = ("exit 0", Program(seconds=0, exit_code=0))
FAIL = ("exit 3", Program(seconds=0, exit_code=3))
Does = tuple[str, Program]


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """What the condition gives, once it is true."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (found := await condition()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return found


async def remove(runtime: Runtime, pod: PodSeen) -> None:
    """Everything of it."""
    for member in pod.containers:
        await runtime.remove_container(member.id)
    for sandbox in pod.sandboxes:
        await runtime.remove_sandbox(pod.ref.uid, sandbox.id)


def new_pod(name: str = "web") -> PodRef:
    return PodRef(str(uuid.uuid4()), "default", name)


def sandbox(ref: PodRef, attempt: int = 0, **wanted: Any) -> SandboxWanted:
    return SandboxWanted(ref, attempt, ref.name, names=[ref.name], **wanted)


def new_cluster(network: str) -> str:
    """Half of the ranges are for each network."""
    number = uuid.uuid4().int & 0xFE | (network == "ptp")
    return f"contract-{uuid.uuid4().hex[:6]}{number:02x}"


def range_of(cluster: str) -> int:
    return int(cluster[-2:], 16)


class Bench:
    """One runtime under test. `real`: shells run, sockets connect."""

    runtime: Runtime
    real = False

    def member(self, ref: PodRef, name: str, does: Does, attempt: int = 0, **wanted: Any) -> ContainerWanted:
        raise AssertionError

    async def kill_pause(self, ref: PodRef) -> None:
        raise AssertionError

    async def seen(self, ref: PodRef, name: str, attempt: int = 0) -> ContainerSeen | None:
        pod = await self.runtime.pod(ref.uid)
        found = [c for c in (pod.containers if pod else ()) if (c.name, c.attempt) == (name, attempt)]
        return found[0] if found else None

    async def ended(self, ref: PodRef, name: str, attempt: int = 0) -> ContainerSeen:
        async def exited() -> ContainerSeen | None:
            seen = await self.seen(ref, name, attempt)
            return seen if seen and seen.state is State.EXITED else None

        found: ContainerSeen = await until(exited)
        return found

    async def close(self) -> None:
        await self.runtime.close()


class MemoryBench(Bench):
    def __init__(self) -> None:
        from podling.loop.clock import RealClock

        self.memory = FakeRuntime(RealClock())
        self.memory.images[BUSYBOX] = ImageSeen("sha256:1", "")
        self._programs: dict[tuple[PodRef, str, int], Program] = {}
        self.memory.programs = lambda ref, name, attempt: self._programs[ref, name, attempt]
        self.runtime = self.memory

    def member(self, ref: PodRef, name: str, does: Does, attempt: int = 0, **wanted: Any) -> ContainerWanted:
        self._programs[ref, name, attempt] = does[1]
        return ContainerWanted(ref, name, attempt, BUSYBOX, **wanted)

    async def kill_pause(self, ref: PodRef) -> None:
        self.memory.kill_sandbox(ref.uid)


class DockerBench(Bench):
    real = True

    def __init__(self, folder: Path, network: str, cluster: str) -> None:
        self.folder, self.network, self.cluster = folder, network, cluster
        self.runtime: DockerRuntime = self.again()

    def spec(self, node: int) -> NetworkSpec:
        """A range for each cluster: two on one engine never meet. Half of it for each of two nodes."""
        whole = f"10.239.{range_of(self.cluster)}"
        half = IPv4Network(f"{whole}.{128 * (node - 1)}/25")
        return NetworkSpec(self.cluster, f"n{node}", IPv4Network(f"{whole}.0/24"), half)

    def again(self, node: int = 1) -> DockerRuntime:
        """The runtime of a kubelet that was started anew; or of the other node."""
        spec, folder = self.spec(node), self.folder / f"n{node}"
        if self.network == "ptp":
            return DockerRuntime(spec, folder, PointToPoint(spec))
        engine = DockerEngine()
        return DockerRuntime(spec, folder, DockerNetwork(spec, EngineNetworks(engine)), engine)

    def member(self, ref: PodRef, name: str, does: Does, attempt: int = 0, **wanted: Any) -> ContainerWanted:
        return ContainerWanted(ref, name, attempt, BUSYBOX, command=["sh", "-c", does[0]], **wanted)

    async def kill_pause(self, ref: PodRef) -> None:
        pod = await self.runtime.pod(ref.uid)
        assert pod
        await self.ask(lambda client: client.kill(pod.sandboxes[0].id))

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        connection = self.runtime.connection
        return await connection.call(lambda: question(connection.client()))

    async def run(self, id: str, *command: str) -> str:
        """The output of a command in a container."""

        def execute(client: Any) -> str:
            started = client.exec_create(id, list(command))["Id"]
            return str(client.exec_start(started).decode())

        return str(await self.ask(execute)).strip()

    async def close(self) -> None:
        for pod in (await self.runtime.pods()).values():
            await remove(self.runtime, pod)
        await self.runtime.close()


def why_no_docker() -> str:
    """Empty where an engine answers."""
    engine = DockerEngine()
    try:
        translated(engine.client)
    except RuntimeUnavailable as error:
        return f"no Docker engine answers: {error}"
    finally:
        engine.close()
    return ""


def why_no_ptp() -> str:
    return why_no_docker() or ("point-to-point veths need root" if os.geteuid() != 0 else "")


def import_busybox() -> None:
    """Debian's busybox-static as an image, unless it is there."""
    engine = DockerEngine()
    try:
        if not any(BUSYBOX in (image["RepoTags"] or []) for image in engine.client().images()):
            import_into(engine.client())
    finally:
        engine.close()


def import_into(client: Any) -> None:
    repository, _, tag = BUSYBOX.partition(":")
    client.import_image_from_data(busybox_tar(), repository=repository, tag=tag, changes=["ENV PATH=/bin"])


def busybox_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        tar.add("/bin/busybox", "bin/busybox")
        for path, text in ACCOUNTS.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
        for applet in APPLETS.split():
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return buffer.getvalue()


def shell(script: str) -> tuple[str, Program]:
    return script, Program()


async def start(bench: DockerBench, box: SandboxSeen, pod: PodRef, name: str, script: str) -> str:
    return await bench.runtime.start_container(box.id, bench.member(pod, name, shell(script)))


def serving(text: str, address: str = "0.0.0.0", port: int = 8080) -> str:
    """A shell that answers HTTP with the text."""
    return f"echo {text} > /tmp/index.html; exec httpd -f -p {address}:{port} -h /tmp"


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as page:
        return str(page.read().decode()).strip()


async def answer_is(ask: object, text: str) -> bool:
    return text in await ask()  # type: ignore[operator]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
