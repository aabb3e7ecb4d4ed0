"""Pods reach what listens at the API server's address, with either network, in whatever order things start."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apiserver.http.podface import listen
from kubelet.docker.cleanup import remove_cluster
from podling.podrange import api_address
from tests.contracts.runtimes import (
    FOREVER,
    DockerBench,
    import_busybox,
    new_cluster,
    new_pod,
    remove,
    sandbox,
    until,
    why_no_docker,
    why_no_ptp,
)


@pytest.fixture(params=["ptp", "docker"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DockerBench]:
    if why := why_no_ptp() if request.param == "ptp" else why_no_docker():
        pytest.skip(why)
    import_busybox()
    made = DockerBench(tmp_path, request.param, new_cluster(request.param))
    yield made
    await made.close()
    await asyncio.to_thread(remove_cluster, made.cluster)


async def test_pods_reach_the_api_servers_address(bench: DockerBench) -> None:
    address = api_address(str(bench.spec(1).pod_range))
    listening = listen(address, 0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nhere")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, sock=listening):
        url = f"http://{address}:{listening.getsockname()[1]}/"
        for node in (1, 2):  # the other node alone has the address, too
            runtime, pod = bench.again(node), new_pod(f"on-{node}")
            made = await runtime.start_sandbox(sandbox(pod))
            id = await runtime.start_container(made.id, bench.member(pod, "app", FOREVER))

            async def asks(id: str = id) -> bool:
                return "here" in await bench.run(id, "wget", "-qO-", url)

            await until(asks)
            found = await runtime.pod(pod.uid)
            assert found
            await remove(runtime, found)
            await runtime.close()
