"""Which pods a node takes, and in which words it sends others away."""

from typing import Any

import pytest

from kubelet.node.admit import Candidate, Rejection, rejection
from kubelet.runtime import Engine
from kubelet.sysctls import SAFE, dotted, forbidden
from kubelet.wanted import NodeFacts

from .build import typed_pod

ENGINE = Engine("27", "6.8", "Debian", "amd64", 2, 1 << 30, 1 << 30, "m", security=frozenset({"seccomp"}))


def judged(pod: Any, *others: Any, engine: Engine | None = ENGINE) -> Rejection | None:
    return rejection(Candidate(pod, others, NodeFacts("n1", engine=engine)))


def with_port(port: int, ip: str = "", protocol: str = "", **spec: Any) -> Any:
    given = {"containerPort": 80, "hostPort": port, "hostIP": ip, "protocol": protocol}
    ports = [{key: value for key, value in given.items() if value}]
    return typed_pod([{"name": "app", "image": "i", "ports": ports}], **spec)


def test_an_ordinary_pod_is_taken() -> None:
    assert judged(typed_pod()) is None


@pytest.mark.parametrize(
    ("name", "host_network", "host_ipc", "why"),
    [
        ("net.ipv4.tcp_syncookies", False, False, ""),
        ("net/ipv4/tcp_syncookies", False, False, ""),
        ("kernel.shm_rmid_forced", True, False, ""),
        ("kernel.msgmax", False, False, '"kernel.msgmax" not allowlisted'),
        ("net.core.somaxconn", False, False, '"net.core.somaxconn" not allowlisted'),
        ("net.ipv4.tcp_rmem", True, False, '"net.ipv4.tcp_rmem" not allowed with host net enabled'),
        ("kernel.shm_rmid_forced", False, True, '"kernel.shm_rmid_forced" not allowed with host ipc enabled'),
    ],
)
def test_only_safe_settings_of_the_pods_own_are_allowed(
    name: str, host_network: bool, host_ipc: bool, why: str
) -> None:
    assert forbidden(name, host_network, host_ipc) == why
    context = {"sysctls": [{"name": name, "value": "1"}]}
    found = judged(typed_pod(securityContext=context, hostNetwork=host_network, hostIPC=host_ipc))
    assert found == (Rejection("SysctlForbidden", f"forbidden sysctl: {why}") if why else None)


def test_the_nodes_owner_may_allow_more_settings() -> None:
    allowed = ["kernel.msg*", "net/core/somaxconn"]
    assert forbidden("kernel.msgmax", False, False, allowed) == ""
    assert forbidden("kernel.msgmax", False, True, allowed) == '"kernel.msgmax" not allowed with host ipc enabled'
    assert forbidden("net.core.somaxconn", False, False, allowed) == ""
    assert forbidden("net.core.somaxconn2", False, False, allowed) == '"net.core.somaxconn2" not allowlisted'
    pod = typed_pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})
    assert rejection(Candidate(pod, (), NodeFacts("n1", allowed_sysctls=allowed))) is None


def test_the_first_separator_of_a_setting_tells_which_it_is() -> None:
    assert dotted("net/ipv4/conf/eth0.1/forwarding") == "net.ipv4.conf.eth0/1.forwarding"
    assert dotted("net.ipv4.conf.eth0/1.forwarding") == "net.ipv4.conf.eth0/1.forwarding"
    assert all(dotted(name) == name for name in SAFE)


def test_a_rejected_pods_status_says_so() -> None:
    found = judged(typed_pod(os={"name": "windows"}))
    assert found is not None and found.failure.rejected
    assert found.failure[:2] == (
        "PodOSNotSupported",
        "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
    )
    assert judged(typed_pod(os={"name": "linux"})) is None


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ((8080,), (8080,), True),
        ((8080,), (8081,), False),
        ((8080, "127.0.0.1"), (8080,), True),
        ((8080, "127.0.0.1"), (8080, "127.0.0.2"), False),
        ((8080, "", "UDP"), (8080, "", "TCP"), False),
    ],
)
def test_a_port_of_the_node_belongs_to_one_pod(one: Any, other: Any, collide: bool) -> None:
    message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    expected = Rejection("NodePorts", message) if collide else None
    assert judged(with_port(*one), with_port(*other)) == expected


@pytest.mark.parametrize("profile", [{"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "x"}])
def test_a_profile_of_apparmor_needs_apparmor(profile: dict[str, str]) -> None:
    context = {"appArmorProfile": profile}
    words = Rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    for pod in (
        typed_pod(securityContext=context),
        typed_pod([{"name": "app", "image": "i", "securityContext": context}]),
    ):
        assert judged(pod) == words
        assert judged(pod, engine=ENGINE._replace(security=frozenset({"apparmor"}))) is None
    assert judged(typed_pod(securityContext={"appArmorProfile": {"type": "Unconfined"}})) is None
