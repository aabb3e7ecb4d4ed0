"""An engine of the test's own, stopped and started under running pods."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from kubelet.docker.engine import DockerEngine
from kubelet.docker.runtime import DockerRuntime
from kubelet.network import firewall
from kubelet.network.network import NetworkSpec
from kubelet.network.ptp import PointToPoint, remove_links
from kubelet.runtime import ContainerWanted, RuntimeUnavailable, State
from tests.contracts.runtimes import (
    BUSYBOX,
    import_into,
    new_cluster,
    new_pod,
    range_of,
    remove,
    sandbox,
    until,
    why_no_ptp,
)

if reason := why_no_ptp():
    pytest.skip(reason, allow_module_level=True)
if not shutil.which("dockerd"):
    pytest.skip("no dockerd on PATH", allow_module_level=True)


class OwnEngine:
    """A second dockerd, with neither bridge nor packet filter, in a network of its own: without a bridge it takes the
    host's docker0 away. Its socket's path must be short."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        folders = [f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec", f"--pidfile={self.folder}/pid"]
        alone = ["--bridge=none", "--iptables=false", "--ip-masq=false", "--storage-driver=vfs"]
        command = ["unshare", "--net", "dockerd", *folders, *alone, f"--host={self.host}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220
        await until(self._answers)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self.host.removeprefix("unix://"))
        except OSError:
            return False
        writer.write(b"GET /_ping HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return b" 200 " in answer

    async def stop(self) -> None:
        if self._process:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 30)


@pytest.fixture
async def engine() -> AsyncIterator[OwnEngine]:
    folder = Path(tempfile.mkdtemp(prefix="podling-dockerd-"))
    engine = OwnEngine(folder)
    await engine.start()
    yield engine
    await engine.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster() -> Iterator[str]:
    """The engine's containers go with it; the machine's devices and filter rules go here."""
    name = new_cluster("ptp")
    yield name
    remove_links(name)
    firewall.remove(name)


async def test_an_engine_that_goes_and_comes_back_loses_no_pod(engine: OwnEngine, cluster: str, tmp_path: Path) -> None:
    pods = IPv4Network(f"10.239.{range_of(cluster)}.0/24")
    spec = NetworkSpec(cluster, "n1", pods, pods)
    connection = DockerEngine({"DOCKER_HOST": engine.host})
    runtime = DockerRuntime(spec, tmp_path, PointToPoint(spec), connection)
    await connection.call(lambda: import_into(connection.client()))
    pod = new_pod()
    box = await runtime.start_sandbox(sandbox(pod))
    member = ContainerWanted(pod, "app", 0, BUSYBOX, command=["sleep", "1000"])
    await runtime.start_container(box.id, member)
    async with asyncio.timeout(60), aclosing(runtime.changes()) as changes:  # type: ignore[type-var]
        assert await anext(changes) == ""
        await engine.stop()
        for verb in (runtime.pods, runtime.engine, lambda: runtime.start_sandbox(sandbox(new_pod("db")))):
            with pytest.raises(RuntimeUnavailable):
                await verb()
        following = asyncio.ensure_future(anext(changes))
        await engine.start()
        while await following != "":
            following = asyncio.ensure_future(anext(changes))
    seen = await runtime.pod(pod.uid)
    assert seen is not None and not seen.sandboxes[0].ready
    assert seen.containers[0].state is State.EXITED
    again = await runtime.start_sandbox(sandbox(pod, attempt=1))
    assert again.ready
    await runtime.start_container(again.id, ContainerWanted(pod, "app", 1, BUSYBOX, command=["sleep", "1000"]))
    for each in (await runtime.pods()).values():
        await remove(runtime, each)
    assert await runtime.pods() == {}
    await runtime.close()
    assert len(await asyncio.to_thread(remove_links, cluster)) == 1  # the anchor
