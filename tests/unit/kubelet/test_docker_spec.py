from dataclasses import replace
from typing import Any

import pytest

from kubelet.cgroups.limits import Limits
from kubelet.docker import spec
from kubelet.docker.facts import EngineFacts
from kubelet.runtime import ContainerWanted, PodRef, SandboxWanted
from podling.api.host_ports import ANY, HostPort

REF = PodRef("u1", "default", "web")
OWNER = spec.owner_labels("c1", "n1")
SANDBOX = SandboxWanted(REF, 2, "web", labels={"app": "x", "podling.node": "forged"})
MEMBER = ContainerWanted(REF, "app", 1, "nginx:1.27", spec_hash="h")


def pause(wanted: SandboxWanted = SANDBOX, mode: str = "host", ip: str = "10.244.1.5") -> dict[str, Any]:
    return spec.pause_config(wanted, OWNER, image="p", mode=mode, ip=ip, binds=["/a:/etc/hosts"], facts=EngineFacts())


def inspected(wanted: SandboxWanted = SANDBOX, mode: str = "host") -> dict[str, Any]:
    made = pause(wanted, mode)
    return {"Id": "abc", "HostConfig": made["HostConfig"], "Config": made}


def member(wanted: ContainerWanted = MEMBER, sandbox: SandboxWanted = SANDBOX, lowest: int = -1000) -> dict[str, Any]:
    facts = EngineFacts(lowest_oom_score=lowest)
    return spec.member_config(wanted, OWNER, inspected(sandbox), binds=["/b:/data"], facts=facts)


def test_names_are_those_of_kubernetes_docker_shim() -> None:
    assert spec.container_name(REF, spec.PAUSE, 2) == "k8s_POD_web_default_u1_2"


def test_a_pause_that_unshares_has_that_capability_alone() -> None:
    made = pause()
    assert made["Cmd"] == ["unshare"] and made["HostConfig"]["NetworkMode"] == "host"
    assert made["HostConfig"]["CapDrop"] == ["ALL"] and made["HostConfig"]["CapAdd"] == ["SYS_ADMIN"]
    assert made["HostConfig"]["IpcMode"] == "shareable" and made["Hostname"] == "web"


def test_a_pause_in_the_hosts_network_stays_there_without_capabilities() -> None:
    made = pause(replace(SANDBOX, host_network=True), ip="")
    assert made["Cmd"] == [] and made["HostConfig"]["CapAdd"] == []
    assert made["Labels"][spec.HOST_NETWORK] == "true" and made["Labels"][spec.IP] == ""


def test_a_pause_on_a_docker_network_asks_for_its_address() -> None:
    made = pause(mode="podling-c1")
    assert made["NetworkingConfig"] == {
        "EndpointsConfig": {"podling-c1": {"IPAMConfig": {"IPv4Address": "10.244.1.5"}}}
    }
    assert made["Cmd"] == [] and made["HostConfig"]["CapAdd"] == []


def test_the_engine_publishes_the_ports_of_its_own_network_and_labels_keep_them() -> None:
    ports = [HostPort("TCP", ANY, 8080, 80), HostPort("UDP", "127.0.0.1", 53, 80), HostPort("TCP", "10.0.0.1", 81, 80)]
    wanted = replace(SANDBOX, ports=ports)
    made = pause(wanted, "podling-c1")
    assert made["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "10.0.0.1", "HostPort": "81"}],
        "80/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
    }
    assert set(made["ExposedPorts"]) == {"80/tcp", "80/udp"}
    assert "PortBindings" not in pause(wanted)["HostConfig"]
    assert spec.ports_of(pause(wanted)["Labels"]) == ports and spec.ports_of(pause()["Labels"]) == []


def test_a_member_runs_under_the_handler_of_its_sandbox() -> None:
    sandbox = replace(SANDBOX, runtime="crun")
    assert pause(sandbox)["HostConfig"]["Runtime"] == "crun" == member(sandbox=sandbox)["HostConfig"]["Runtime"]
    assert pause()["HostConfig"]["Runtime"] == ""


def test_a_pods_own_labels_never_overrule_ours() -> None:
    labels = pause()["Labels"]
    assert labels["app"] == "x" and labels["podling.node"] == "n1" and labels[spec.ATTEMPT] == "2"


def test_sysctls_of_the_network_are_not_the_engines_where_it_would_refuse_them() -> None:
    wanted = replace(SANDBOX, sysctls={"net.core.somaxconn": "9", "kernel.shm_rmid_forced": "1"})
    assert pause(wanted)["HostConfig"]["Sysctls"] == {"kernel.shm_rmid_forced": "1"}
    assert pause(wanted, "podling-c1")["HostConfig"]["Sysctls"] == wanted.sysctls
    assert spec.network_sysctls(wanted) == {"net.core.somaxconn": "9"}


def test_a_member_joins_the_sandboxs_network_and_ipc() -> None:
    host = member()["HostConfig"]
    assert (host["NetworkMode"], host["IpcMode"], host["PidMode"]) == ("container:abc", "container:abc", "")


def test_a_member_shares_processes_where_the_pod_does() -> None:
    assert member(sandbox=replace(SANDBOX, share_process_namespace=True))["HostConfig"]["PidMode"] == "container:abc"


def test_a_member_is_in_the_hosts_namespaces_where_the_pod_is() -> None:
    host = member(sandbox=replace(SANDBOX, host_pid=True, host_ipc=True))["HostConfig"]
    assert (host["PidMode"], host["IpcMode"]) == ("host", "host")


def test_an_image_keeps_its_entrypoint_and_command_unless_told() -> None:
    assert "Entrypoint" not in member() and "Cmd" not in member()
    made = member(replace(MEMBER, command=["a"], args=["b", "c"]))
    assert (made["Entrypoint"], made["Cmd"]) == (["a"], ["b", "c"])


def test_an_images_health_check_does_not_run() -> None:
    assert member()["Healthcheck"] == {"Test": ["NONE"]}


def test_limits_are_in_the_engines_units_without_swap() -> None:
    host = member(replace(MEMBER, limits=Limits(0, 1500, 1 << 20)))["HostConfig"]
    assert (host["CpuQuota"], host["CpuPeriod"], host["Memory"], host["MemorySwap"]) == (
        150_000,
        100_000,
        1 << 20,
        1 << 20,
    )


def test_no_limit_is_no_quota() -> None:
    host = member()["HostConfig"]
    assert (host["CpuQuota"], host["CpuPeriod"], host["Memory"]) == (0, 0, 0)


def test_an_oom_score_that_the_machine_does_not_allow_is_the_lowest_it_does() -> None:
    assert member(replace(MEMBER, oom_score_adjust=-997))["HostConfig"]["OomScoreAdj"] == -997
    assert member(replace(MEMBER, oom_score_adjust=-997), lowest=0)["HostConfig"]["OomScoreAdj"] == 0


@pytest.mark.parametrize(
    ("bound", "text"),
    [
        (("/a", "/b"), "/a:/b"),
        (("/a", "/b", True), "/a:/b:ro"),
        (("/a", "/b", True, "rslave"), "/a:/b:ro,rslave"),
        (("/a", "/b", False, "rprivate"), "/a:/b"),
    ],
)
def test_a_bind_is_written_as_the_engine_reads_it(bound: tuple[Any, ...], text: str) -> None:
    assert spec.bind(*bound) == text
