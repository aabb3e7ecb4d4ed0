"""Ports of the node and the groups of users, on real engines."""

import asyncio
import socket
import subprocess

import pytest

from kubelet.docker.cleanup import remove_cluster, remove_node
from kubelet.network import host_ports
from kubelet.runtime import ContainerError, Security
from podling.api.host_ports import ANY, HostPort
from tests.contracts.runtimes import (
    FOREVER,
    DockerBench,
    answer_is,
    fetch,
    free_port,
    new_pod,
    sandbox,
    serving,
    shell,
    start,
    until,
)


async def test_a_port_of_the_node_leads_to_the_pod_as_long_as_it_is_there(docker_bench: DockerBench) -> None:
    bench, pod, port = docker_bench, new_pod(), free_port()
    ports = [HostPort("TCP", ANY, port, 8080)]
    box = await bench.runtime.start_sandbox(sandbox(pod, ports=ports))
    await start(bench, box, pod, "server", serving("ported"))
    url = f"http://127.0.0.1:{port}/"

    async def answer() -> str:
        return await asyncio.to_thread(fetched, url)

    assert await until(lambda: answer_is(answer, "ported"))
    with pytest.raises(ContainerError) as caught:
        if bench.network == "ptp":  # elsewhere the engine's own proxy listens
            with socket.create_server(("127.0.0.1", 0)) as taken:
                other = HostPort("TCP", ANY, taken.getsockname()[1], 8080)
                await bench.runtime.start_sandbox(sandbox(new_pod("db"), ports=[other]))
        else:
            await bench.runtime.start_sandbox(sandbox(new_pod("db"), ports=ports))
    assert "Address already in use" in caught.value.message or "already allocated" in caught.value.message
    await bench.runtime.close()
    bench.runtime = bench.again()
    assert (await bench.runtime.pods())[pod.uid].sandboxes[0].ready
    assert await answer() == "ported"
    await bench.runtime.remove_sandbox(pod.uid, box.id)
    assert await answer() == ""


async def test_each_node_of_one_engine_serves_its_ports_on_its_own_address(docker_bench: DockerBench) -> None:
    bench, port = docker_bench, free_port()
    if bench.network != "ptp":
        return  # one address for all nodes: the engine refuses the second
    ports, other = [HostPort("TCP", ANY, port, 8080)], bench.again(node=2)
    try:
        for runtime, name in ((bench.runtime, "near"), (other, "far")):
            ref = new_pod(name)
            box = await runtime.start_sandbox(sandbox(ref, ports=ports))
            await runtime.start_container(box.id, bench.member(ref, "app", shell(serving(name))))
            url = f"http://{await runtime.node_ip()}:{port}/"
            assert await until(lambda u=url, n=name: answer_is(lambda: asyncio.to_thread(fetched, u), n))
        assert len(tables(bench)) == 2
        assert await asyncio.to_thread(fetched, f"http://127.0.0.1:{port}/") == "near"
    finally:
        await other.close()
        await asyncio.to_thread(remove_node, bench.cluster, "n2")
    assert len(tables(bench)) == 1


async def test_ports_whose_rules_somebody_flushed_come_back(docker_bench: DockerBench) -> None:
    bench = docker_bench
    if bench.network != "ptp":
        return  # the engine's own rules
    await bench.runtime.start_sandbox(sandbox(new_pod(), ports=[HostPort("TCP", ANY, free_port(), 8080)]))
    await asyncio.to_thread(host_ports.remove, bench.cluster, "n1")
    assert tables(bench) == set()
    await bench.runtime.pods()
    assert len(tables(bench)) == 1


async def test_no_port_is_left_of_a_removed_cluster(docker_bench: DockerBench) -> None:
    await docker_bench.runtime.start_sandbox(sandbox(new_pod(), ports=[HostPort("TCP", ANY, free_port(), 8080)]))
    assert len(tables(docker_bench)) == (docker_bench.network == "ptp")
    await asyncio.to_thread(remove_cluster, docker_bench.cluster)
    assert tables(docker_bench) == set()


def fetched(url: str) -> str:
    """ "" where nothing is served."""
    try:
        return fetch(url)
    except OSError:
        return ""


def tables(bench: DockerBench) -> set[str]:
    """Of the packet filter, with rules for ports of the node."""
    shown = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    return {line for line in shown.splitlines() if f"podling_{bench.cluster}_" in line}


@pytest.mark.parametrize(
    ("security", "shown"),
    [
        (Security(user="1000", groups=[7]), "uid=1000(alice) gid=100(users) groups=7,50000(extra),100(users)"),
        (Security(user="1000:3000"), "uid=1000(alice) gid=3000 groups=50000(extra),3000"),
        (Security(user="1000", groups=[7], strict_groups=True), "uid=1000(alice) gid=100(users) groups=7,100(users)"),
        (Security(user="1000:3000", strict_groups=True), "uid=1000(alice) gid=3000 groups=3000"),
    ],
)
async def test_supplementary_groups_are_merged_with_the_images_or_not(
    docker_bench: DockerBench, security: Security, shown: str
) -> None:
    bench, pod = docker_bench, new_pod()
    if bench.network != "ptp":
        return  # nothing of the network
    box = await bench.runtime.start_sandbox(sandbox(pod))
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER, security=security))
    user, group, groups = (await bench.run(id, "id")).split()
    expected = shown.split()
    assert (user, group) == (expected[0], expected[1])
    assert set(groups.removeprefix("groups=").split(",")) == set(expected[2].removeprefix("groups=").split(","))
