"""What only a real engine can show: shared namespaces, reachability, limits, and nothing left behind."""

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.docker.cleanup import remove_cluster
from kubelet.network.ptp import link_prefix
from kubelet.runtime import ContainerError, Mount, PodRef, SandboxSeen, Security
from tests.contracts.runtimes import (
    BUSYBOX,
    FOREVER,
    SUCCEED,
    DockerBench,
    answer_is,
    fetch,
    new_pod,
    remove,
    sandbox,
    serving,
    shell,
    start,
    until,
)


@pytest.fixture
def bench(docker_bench: DockerBench) -> DockerBench:
    return docker_bench


@pytest.fixture
def pod() -> PodRef:
    return new_pod()


@pytest.fixture
async def box(bench: DockerBench, pod: PodRef) -> SandboxSeen:
    wanted = sandbox(pod, nameservers=["10.96.0.10"], searches=["default.svc.cluster.local"], dns_options=["ndots:5"])
    return await bench.runtime.start_sandbox(replace(wanted, host_aliases=[("192.0.2.9", ["one", "two"])]))


def ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout


async def test_members_share_the_hostname_hosts_and_resolv_conf(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    id = await start(bench, box, pod, "app", FOREVER[0])
    assert await bench.run(id, "hostname") == "web"
    hosts = await bench.run(id, "cat", "/etc/hosts")
    assert hosts.startswith("# Kubernetes-managed hosts file.")
    assert f"{box.ip}\tweb" in hosts and "192.0.2.9\tone\ttwo" in hosts
    assert (await bench.run(id, "cat", "/etc/resolv.conf")).splitlines() == [
        "search default.svc.cluster.local",
        "nameserver 10.96.0.10",
        "options ndots:5",
    ]


async def test_members_share_localhost_shared_memory_and_an_empty_dir(
    bench: DockerBench, pod: PodRef, box: SandboxSeen, tmp_path: Path
) -> None:
    shared = tmp_path / "empty-dir"
    shared.mkdir()
    mounts = [Mount(str(shared), "/data")]
    server = bench.member(pod, "server", shell(serving("hello", "127.0.0.1")), mounts=mounts)
    client = bench.member(pod, "client", FOREVER, mounts=mounts)
    server_id = await bench.runtime.start_container(box.id, server)
    client_id = await bench.runtime.start_container(box.id, client)

    async def answer() -> str:
        return await bench.run(client_id, "wget", "-q", "-O", "-", "http://127.0.0.1:8080/")

    assert await until(lambda: answer_is(answer, "hello"))
    await bench.run(server_id, "sh", "-c", "echo one > /data/file; echo two > /dev/shm/file")
    assert await bench.run(client_id, "cat", "/data/file", "/dev/shm/file") == "one\ntwo"


async def test_every_pod_reaches_every_pod_and_the_host_reaches_them_all(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    other = new_pod("db")
    second = await bench.runtime.start_sandbox(sandbox(other))
    await start(bench, second, other, "server", serving("pong"))
    client = await start(bench, box, pod, "client", FOREVER[0])
    url = f"http://{second.ip}:8080/"
    assert await until(lambda: answer_is(lambda: bench.run(client, "wget", "-q", "-O", "-", url), "pong"))

    assert await asyncio.to_thread(fetch, url) == "pong"
    node_ip = await bench.runtime.node_ip()
    routes = await bench.run(client, "ip", "route")
    assert f"default via {node_ip} dev eth0" in routes


async def test_nodes_of_one_engine_have_their_own_pods_which_reach_each_other(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    other, ref = bench.again(node=2), new_pod("db")
    try:
        far = await other.start_sandbox(sandbox(ref))
        await other.start_container(far.id, bench.member(ref, "server", shell(serving("far"))))
        assert list(await other.pods()) == [ref.uid] and list(await bench.runtime.pods()) == [pod.uid]
        client = await start(bench, box, pod, "client", FOREVER[0])
        url = f"http://{far.ip}:8080/"
        assert await until(lambda: answer_is(lambda: bench.run(client, "wget", "-q", "-O", "-", url), "far"))
        if bench.network == "ptp":
            assert await other.node_ip() != await bench.runtime.node_ip()
        await other.remove_sandbox(ref.uid, far.id)
    finally:
        await other.close()


async def test_nothing_is_left_of_a_removed_cluster(bench: DockerBench, pod: PodRef, box: SandboxSeen) -> None:
    await start(bench, box, pod, "app", FOREVER[0])
    await asyncio.to_thread(remove_cluster, bench.cluster)
    filters = {"label": f"podling.cluster={bench.cluster}"}
    assert await bench.ask(lambda client: client.containers(all=True, filters=filters)) == []
    assert await bench.ask(lambda client: client.networks(filters=filters)) == []
    assert devices(bench) == set()
    kept = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout  # noqa: ASYNC221
    assert f"podling:{bench.cluster}" not in kept
    await bench.runtime.close()
    bench.runtime = bench.again()  # what `podling up` does next
    assert (await bench.runtime.start_sandbox(sandbox(pod))).ready


async def test_a_container_over_its_memory_is_seen_as_killed_for_it(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    hungry = shell("exec dd if=/dev/zero of=/dev/null bs=200M count=1")
    await bench.runtime.start_container(box.id, bench.member(pod, "app", hungry, limits=Limits(memory_bytes=16 << 20)))
    ended = await bench.ended(pod, "app")
    assert ended.exit_code == 137 and ended.oom_killed


async def test_limits_reach_the_engine(bench: DockerBench, pod: PodRef, box: SandboxSeen) -> None:
    limits = Limits(cpu_shares=102, cpu_quota_milli=250, memory_bytes=32 << 20)
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER, limits=limits))
    host = (await bench.ask(lambda client: client.inspect_container(id)))["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["CpuShares"]) == (32 << 20, 32 << 20, 102)
    assert host["CpuQuota"] / host["CpuPeriod"] == 0.25


async def test_a_pods_containers_share_a_cgroup_of_its_own_with_its_limits(bench: DockerBench, pod: PodRef) -> None:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists() or os.geteuid() != 0:
        return  # the layout of v1, by files; v2 and systemd are unit tests over trees of files
    limits = PodLimits(cpu_shares=256, cpu_quota_milli=500, memory_bytes=64 << 20)
    box = await bench.runtime.start_sandbox(sandbox(pod, limits=limits))
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER))
    [folder] = (root / "memory/podling").glob(f"*/*/pod{pod.uid}")
    assert (folder / "memory.limit_in_bytes").read_text().strip() == str(64 << 20)
    assert (folder / id).is_dir() and (folder / box.id).is_dir()
    cpu = Path(str(folder).replace("/memory/", "/cpu/", 1))
    assert (cpu / "cpu.cfs_quota_us").read_text().strip() == "50000"
    await bench.runtime.limit_pod(pod.uid, limits._replace(memory_bytes=128 << 20))
    assert (folder / "memory.limit_in_bytes").read_text().strip() == str(128 << 20)
    await bench.runtime.remove_sandbox(pod.uid, box.id)
    assert not (os.path.exists(folder) or os.path.exists(cpu))  # noqa: ASYNC240


async def test_the_end_of_the_termination_message_is_read(bench: DockerBench, pod: PodRef, box: SandboxSeen) -> None:
    script = shell("(head -c 9000 /dev/zero; echo; echo the end) > /dev/termination-log; exit 1")
    await bench.runtime.start_container(box.id, bench.member(pod, "app", script, security=Security(user="1000")))
    ended = await bench.ended(pod, "app")
    assert ended.termination_message.endswith("\nthe end\n") and len(ended.termination_message) == 4096


async def test_the_end_of_the_log_stands_in_for_a_missing_message_after_a_failure(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    for name, code in (("bad", 1), ("good", 0)):
        # One stream: Docker keeps no order between the two.
        script = shell(f"(seq 1 100; echo wrong) >&2; exit {code}")
        await bench.runtime.start_container(box.id, bench.member(pod, name, script, fallback_to_logs=True))
    message = (await bench.ended(pod, "bad")).termination_message
    assert message.startswith("22\n") and message.endswith("100\nwrong\n")
    assert (await bench.ended(pod, "bad")).termination_message == message
    assert (await bench.ended(pod, "good")).termination_message == ""


async def test_zombies_of_a_shared_process_namespace_are_reaped(bench: DockerBench, pod: PodRef) -> None:
    box = await bench.runtime.start_sandbox(sandbox(pod, share_process_namespace=True))
    orphans = "for i in 1 2 3; do (sleep 0.1 & ) ; done; exec sleep 1000"
    id = await start(bench, box, pod, "app", orphans)

    async def reaped() -> bool:
        processes = await bench.run(id, "ps", "-o", "pid,stat,args")
        return "pause" in processes and "Z" not in processes and processes.count("sleep") == 1

    await until(reaped)


async def test_the_pause_ends_at_once_on_sigterm(bench: DockerBench, pod: PodRef, box: SandboxSeen) -> None:
    async def stopped() -> bool:
        return not (await bench.ask(lambda client: client.inspect_container(box.id)))["State"]["Running"]

    await bench.ask(lambda client: client.kill(box.id, "SIGTERM"))
    await until(stopped)
    assert (await bench.ask(lambda client: client.inspect_container(box.id)))["State"]["ExitCode"] == 0


async def test_a_pause_that_may_not_leave_the_hosts_network_ends(bench: DockerBench, box: SandboxSeen) -> None:
    def run(client: object) -> int:
        image = client.inspect_container(box.id)["Image"]  # type: ignore[attr-defined]
        host = {"NetworkMode": "host", "UsernsMode": "host", "CapDrop": ["ALL"], "SecurityOpt": ["seccomp=unconfined"]}
        config = {"Image": image, "Cmd": ["unshare"], "HostConfig": host, "Labels": bench.runtime.owner}
        id = client.create_container_from_config(config)["Id"]  # type: ignore[attr-defined]
        client.start(id)  # type: ignore[attr-defined]
        code = client.wait(id)["StatusCode"]  # type: ignore[attr-defined]
        client.remove_container(id)  # type: ignore[attr-defined]
        return int(code)

    assert await bench.ask(run) == 111


async def test_sysctls_of_the_network_are_the_pods_own(bench: DockerBench, pod: PodRef) -> None:
    sysctls = {"net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1"}
    box = await bench.runtime.start_sandbox(sandbox(pod, sysctls=sysctls))
    id = await start(bench, box, pod, "app", FOREVER[0])
    files = ["/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/kernel/shm_rmid_forced"]
    assert await bench.run(id, "cat", *files) == "80\n1"


async def test_a_pod_in_the_hosts_network_has_the_nodes_address(bench: DockerBench, pod: PodRef) -> None:
    box = await bench.runtime.start_sandbox(sandbox(pod, host_network=True))
    assert box.ready and box.ip == await bench.runtime.node_ip()
    id = await start(bench, box, pod, "app", FOREVER[0])
    assert "docker0" in await bench.run(id, "ls", "/sys/class/net") or "eth0" in await bench.run(id, "ip", "link")
    assert "host network" in await bench.run(id, "cat", "/etc/hosts")


async def test_nothing_is_left_of_a_removed_pod(bench: DockerBench, pod: PodRef, box: SandboxSeen) -> None:
    await start(bench, box, pod, "app", FOREVER[0])
    await bench.runtime.start_container(box.id, bench.member(pod, "job", SUCCEED))
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None
    await remove(bench.runtime, seen)
    label = f"podling.cluster={bench.cluster}"
    assert await bench.ask(lambda client: client.containers(all=True, filters={"label": label})) == []
    assert f"{box.ip} " not in ip("route")
    assert devices(bench) <= {"anchor"}
    assert [path for path in bench.folder.rglob("*") if path.name not in ("n1", "pods")] == []


def devices(bench: DockerBench) -> set[str]:
    """What the cluster has on the host: "anchor", or a device's name."""
    shown = ip("-o", "link")
    ours = [line for line in shown.splitlines() if link_prefix(bench.cluster) in line]
    return {"anchor" if "anchor" in line else line.split()[1] for line in ours}


async def test_a_sandbox_that_cannot_be_connected_leaves_nothing(bench: DockerBench, pod: PodRef) -> None:
    with pytest.raises(ContainerError) as caught:
        await bench.runtime.start_sandbox(sandbox(pod, sysctls={"net.ipv4.no_such_thing": "1"}))
    assert caught.value.reason == "CreatePodSandboxError" and "no_such_thing" in caught.value.message
    assert await bench.runtime.pod(pod.uid) is None
    assert devices(bench) <= {"anchor"}
    assert [path for path in bench.folder.rglob("*") if path.name not in ("n1", "pods")] == []


async def test_a_half_made_sandbox_is_seen_as_not_ready_and_made_anew(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    """A kubelet killed between the pause's creation and its start."""
    inspected = await bench.ask(lambda client: client.inspect_container(box.id))
    await bench.runtime.remove_sandbox(pod.uid, box.id)
    config = {**inspected["Config"], "HostConfig": inspected["HostConfig"]}
    made = await bench.ask(lambda client: client.create_container_from_config(config, inspected["Name"].lstrip("/")))
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and [(each.id, each.ready) for each in seen.sandboxes] == [(made["Id"], False)]
    again = await bench.runtime.start_sandbox(sandbox(pod))
    assert again.ready and again.id != made["Id"]


async def test_a_lost_device_is_seen_and_the_devices_of_dead_sandboxes_go(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    if bench.network != "ptp":
        return  # the engine's own devices
    (device,) = devices(bench) - {"anchor"}
    ip("link", "del", device.partition("@")[0])
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and not seen.sandboxes[0].ready
    member = await bench.ask(lambda client: client.inspect_container(box.id))
    assert member["State"]["Running"]
    await bench.runtime.remove_sandbox(pod.uid, box.id)
    assert devices(bench) == {"anchor"}


async def test_a_restarted_kubelet_mends_routes_and_removes_stale_devices(
    bench: DockerBench, pod: PodRef, box: SandboxSeen
) -> None:
    if bench.network != "ptp":
        return  # the engine's own devices
    (device,) = (each.partition("@")[0] for each in devices(bench) - {"anchor"})
    ip("route", "del", f"{box.ip}/32")
    stale = f"{link_prefix(bench.cluster)}{0x0AEF0000 + (int(bench.cluster[-2:], 16) << 8) + 99:08x}"
    ip("link", "add", stale, "type", "veth", "peer", "name", f"x{stale[2:]}")
    await bench.runtime.close()
    bench.runtime = bench.again()
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and seen.sandboxes[0].ready
    routes = ip("route")
    assert f"{box.ip} dev {device}" in routes
    assert devices(bench) == {"anchor", *(each for each in devices(bench) if device in each)}


async def test_an_image_of_another_name_is_told_by_its_id(bench: DockerBench, pod: PodRef, box: SandboxSeen) -> None:
    found = await bench.runtime.images.image(BUSYBOX)
    assert found is not None and found.id.startswith("sha256:")
    await start(bench, box, pod, "app", FOREVER[0])
    seen = await bench.seen(pod, "app")
    assert seen is not None and seen.image_id == f"docker://{found.id}"
