"""A kubelet killed by SIGKILL while it starts a pod: the next one sees what there is and can take all of it away."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelet.docker.cleanup import remove_cluster
from tests.contracts.runtimes import (
    BUSYBOX,
    DockerBench,
    import_busybox,
    new_cluster,
    new_pod,
    remove,
    sandbox,
    until,
    why_no_ptp,
)

if reason := why_no_ptp():
    pytest.skip(reason, allow_module_level=True)

ROOT = Path(__file__).parents[2]
STARTS_A_POD = """
import asyncio, sys
from pathlib import Path
from tests.contracts.runtimes import *

async def main():
    bench = DockerBench(Path(sys.argv[2]), "ptp", sys.argv[1])
    await bench.runtime.node_ip()
    print("ready", flush=True)
    pod = new_pod()
    box = await bench.runtime.start_sandbox(sandbox(pod, nameservers=["192.0.2.1"]))
    print("sandbox", flush=True)
    await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER))
    print("member", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    import_busybox()
    name = new_cluster("ptp")
    yield name
    remove_cluster(name)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("ready", 0.0), ("ready", 0.02), ("ready", 0.06), ("ready", 0.12), ("ready", 0.2), ("sandbox", 0.05)],
)
async def test_what_a_killed_kubelet_leaves_is_seen_and_goes(
    cluster: str, tmp_path: Path, after: str, seconds: float
) -> None:
    command = [sys.executable, "-c", STARTS_A_POD, cluster, str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout
    while (await process.stdout.readline()).decode().strip() != after:
        assert process.returncode is None
    await asyncio.sleep(seconds)
    process.kill()
    await process.communicate()
    bench = DockerBench(tmp_path, "ptp", cluster)
    try:
        await until(lambda: no_longer_changes(bench))
        for pod in (await bench.runtime.pods()).values():
            assert all(each.sandbox_id in {box.id for box in pod.sandboxes} for each in pod.containers)
            await remove(bench.runtime, pod)
        assert await bench.runtime.pods() == {}
        links = await asyncio.to_thread(subprocess.run, ["ip", "-o", "link"], capture_output=True, text=True)
        assert [
            line for line in links.stdout.splitlines() if f"podling {cluster} " in line and "anchor" not in line
        ] == []
        fresh = new_pod("next")
        box = await bench.runtime.start_sandbox(sandbox(fresh))
        await bench.runtime.start_container(box.id, bench.member(fresh, "app", ("exit 0", None)))  # type: ignore[arg-type]
        assert (await bench.ended(fresh, "app")).image == BUSYBOX
    finally:
        await bench.close()


async def no_longer_changes(bench: DockerBench) -> bool:
    """The engine finishes what it was told before the kill."""
    before = await bench.runtime.pods()
    await asyncio.sleep(0.5)
    return await bench.runtime.pods() == before
