"""Ports of the node that lead into pods: from every side, and free again when the pod is gone."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from kubelet.network.namespace import inside, open_namespace
from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.containers import Containers
from tests.e2e.manifests import FOREVER, manifest, shell
from tests.e2e.test_atomicity import pid

NAMESPACE = "test-ports"
SERVES = "mkdir /www; echo served > /www/index.html; exec httpd -f -p 80 -h /www"
FETCH = "timeout 3 wget -qO- http://{}:{}/"


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def server(name: str, ports: list[dict[str, Any]], **spec: Any) -> str:
    return manifest(name, [shell(SERVES, ports=ports)], **spec)


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {each: free_port() for each in ("any", "local")}


@pytest.fixture(scope="module")
def served(cluster: Cluster, ports: dict[str, int]) -> Iterator[Pods]:
    cluster.kubectl("create", "namespace", NAMESPACE)
    pods = Pods(cluster.kubectl, NAMESPACE, eventually)
    try:
        eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
        local = {"containerPort": 80, "hostPort": ports["local"], "hostIP": "127.0.0.1"}
        pods.create(server("web", [{"containerPort": 80, "hostPort": ports["any"]}, local]))
        pods.create(manifest("client", [shell(FOREVER)]))
        pods.running("web")
        pods.running("client")
        yield pods
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


def answer(address: str, port: int) -> str:
    """What is served there to the host; "" where nothing is."""
    try:
        with socket.create_connection((address, port), 2) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b""
            while more := connection.recv(4096):
                text += more
    except OSError:
        return ""
    return text.decode().rpartition("\r\n\r\n")[2].strip()


def node_address(pods: Pods) -> str:
    return str(pods.get("web")["status"]["hostIP"])


def addresses() -> list[str]:
    """Of the host, beside the loopback and those that clusters made."""
    shown = subprocess.run(["ip", "-4", "-o", "addr", "show"], capture_output=True, text=True, check=True).stdout
    fields = [line.split() for line in shown.splitlines()]
    return [each[3].partition("/")[0] for each in fields if each[1] != "lo" and not each[1].startswith("pl")]


def test_a_port_of_the_node_is_served_by_the_pod_on_every_address(served: Pods, ports: dict[str, int]) -> None:
    for address in ("127.0.0.1", "127.0.0.2", node_address(served), *addresses()):
        eventually(lambda address=address: answer(address, ports["any"]) == "served", seen=lambda a=address: a)


def test_a_host_ip_is_the_only_address_on_which_it_is_served(served: Pods, ports: dict[str, int]) -> None:
    eventually(lambda: answer("127.0.0.1", ports["local"]) == "served")
    assert answer(node_address(served), ports["local"]) == ""


def test_pods_reach_the_port_and_so_does_the_pod_itself(served: Pods, ports: dict[str, int]) -> None:
    fetch = FETCH.format(node_address(served), ports["any"])
    for name in ("client", "web"):
        answers = lambda n=name: served.exec(n, "sh", "-c", fetch, check=False).stdout  # noqa: E731
        eventually(lambda a=answers: a() == "served\n", seen=lambda n=name: n)


def test_a_pod_does_not_reach_the_loopback_of_the_host(served: Pods) -> None:
    """Though packets to it may leave the host for pods."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        script = f"ip route add 127.0.0.5/32 via {node_address(served)} 2>/dev/null; {FETCH.format('127.0.0.5', port)}"
        assert served.exec("client", "sh", "-c", script, check=False).returncode != 0


def test_datagrams_are_led_too(served: Pods, docker: Containers) -> None:
    port = free_port(socket.SOCK_DGRAM)
    given = [{"containerPort": 5353, "hostPort": port, "protocol": "UDP"}]
    early = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    early.sendto(b"nobody", ("127.0.0.1", port))  # a flow to the host itself, which the kernel remembers
    served.create(manifest("datagrams", [shell(FOREVER, ports=given)]))
    uid = served.running("datagrams")["metadata"]["uid"]
    namespace = open_namespace(docker.pid(docker.sandbox(uid)))
    with inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as in_pod:
        in_pod.bind(("0.0.0.0", 5353))
        in_pod.settimeout(3)
        for address in ("127.0.0.1", node_address(served), *addresses()):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.settimeout(3)
                asking.sendto(b"who?", (address, port))
                words, sender = in_pod.recvfrom(100)
                in_pod.sendto(b"me", sender)
                assert (words, asking.recvfrom(100)) == (b"who?", (b"me", (address, port)))
        with early:
            early.sendto(b"again", ("127.0.0.1", port))
            assert in_pod.recv(100) == b"again"
    os.close(namespace)
    served("delete", "pod", "datagrams", "--wait=true")
    eventually(lambda: led_to(port, "udp") == "")


def led_to(port: int, protocol: str) -> str:
    """Where the node's tables send such packets."""
    shown = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    for each in shown.replace("{", ",").replace("}", ",").split(","):
        key, _, target = each.strip().partition(" : ")
        if key == f"{protocol} . {port}":
            return target.strip()
    return ""


def test_a_second_pod_waits_for_the_port_and_one_that_names_its_node_is_rejected(
    served: Pods, ports: dict[str, int]
) -> None:
    given = [{"containerPort": 80, "hostPort": ports["any"]}]
    served.create(server("second", given))
    served.create(server("forced", given, nodeName="n1"))
    served.until_status("forced", "NodePorts")
    assert served.get("forced")["status"]["message"] == (
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    )
    why = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    eventually(lambda: any(message.startswith(why) for _, message in served.events("second")))
    served("delete", "pod", "web", "--grace-period=0", "--force")
    served.running("second")
    eventually(lambda: answer("127.0.0.1", ports["any"]) == "served")
    eventually(lambda: answer("127.0.0.1", ports["local"]) == "")  # of the pod that is gone


def test_a_port_that_a_program_of_the_host_has_is_not_taken_away_from_it(served: Pods) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening:
        port = listening.getsockname()[1]
        served.create(server("late", [{"containerPort": 80, "hostPort": port}]))
        words = f"cannot open hostport {port}: listen tcp4 :{port}: bind: Address already in use"
        eventually(lambda: any(words in message for _, message in served.events("late")))
    served.running("late")
    eventually(lambda: answer("127.0.0.1", port) == "served")


def test_ports_are_served_while_the_kubelet_is_away_and_kept_when_it_comes_back(
    served: Pods, cluster: Cluster, ports: dict[str, int]
) -> None:
    eventually(lambda: answer("127.0.0.1", ports["any"]) == "served")
    before = pid(cluster, "kubelet-n1")
    os.kill(before, signal.SIGKILL)
    while (now := pid(cluster, "kubelet-n1")) in (0, before):
        assert answer("127.0.0.1", ports["any"]) == "served"
        time.sleep(0.05)
    assert now != before
    served("delete", "pod", "late", "--wait=true")
    assert answer("127.0.0.1", ports["any"]) == "served"
