"""kubectl port-forward over both protocols: into the pod's own network namespace, byte for byte, both ways."""

import concurrent.futures
import hashlib
import os
import socket
import socketserver
import threading
import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, eventually, kubectls
from tests.e2e.manifests import FOREVER, pod
from tests.e2e.streaming import PROTOCOLS, Client

LARGE_BYTES = {"websocket": 100 << 20, "spdy": 20 << 20}
# 7000 gives back what it is sent, 7001 counts it and speaks when it has ended; the page is on the pod's own localhost.
SERVES = f"""
    nc -ll -p 7000 -e cat &
    nc -ll -p 7001 -e sh -c 'wc -c; echo said after' &
    echo page > /tmp/index.html; httpd -p 127.0.0.1:8080 -h /tmp
    {FOREVER}"""


@pytest.fixture(scope="module")
def ground(cluster: Cluster) -> Iterator[Pods]:
    namespace = f"forward-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", namespace)
    pods = Pods(cluster.kubectl, namespace, eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    names = ["box", *(f"fragile-{protocol}" for protocol in PROTOCOLS)]
    pods.create("\n".join(pod(name, "sh", "-c", SERVES) for name in names))
    pods.create(pod("on-the-node", "sh", "-c", FOREVER, hostNetwork=True))
    for name in (*names, "on-the-node"):
        pods.running(name)
    yield pods
    cluster.kubectl("delete", "namespace", namespace, "--wait=false", check=False)


@pytest.fixture(params=PROTOCOLS)
def client(request: pytest.FixtureRequest, cluster: Cluster, ground: Pods) -> Client:
    return Client(kubectls()[-1], cluster.environment, ground.namespace, request.param)


def ask(port: int, data: bytes) -> bytes:
    """What comes back for it, when both sides have ended."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
            pieces = []
            while piece := connection.recv(1 << 18):
                pieces.append(piece)
            sending.result()
        return b"".join(pieces)


def get(port: int) -> bytes:
    return ask(port, b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")[2]


def test_several_ports_and_half_closes(client: Client) -> None:
    with client.forwarding("box", ":7000", ":7001", ":8080") as ((echo, counts, page), _):
        for size in (0, 1, 70_000, 3_000_000):
            data = os.urandom(size)
            assert ask(echo, data) == data
        assert ask(counts, b"x" * 100_000).split(b"\n") == [b"100000", b"said after", b""]
        assert get(page) == b"page\n"


class Echo(socketserver.BaseRequestHandler):
    """Says all it heard when it has heard all."""

    def handle(self) -> None:
        with self.request.makefile("rb") as heard:
            self.request.sendall(heard.read())


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 64


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """A port of this machine's localhost, which is also that of a pod on the node's network."""
    with Server(("127.0.0.1", 0), Echo) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made.server_address[1]
        made.shutdown()


def test_thirty_connections_at_once_to_a_pod_on_the_nodes_network(client: Client, server: int) -> None:
    with client.forwarding("on-the-node", f":{server}") as ((port,), _):
        sent = [os.urandom(size) for size in (1_000_000, 0, *[1000] * 28)]
        with concurrent.futures.ThreadPoolExecutor(len(sent)) as pool:
            assert list(pool.map(lambda data: ask(port, data), sent)) == sent


def test_many_megabytes_come_back_unchanged(client: Client) -> None:
    data = os.urandom(LARGE_BYTES[client.protocol])
    with client.forwarding("box", ":7000") as ((echo,), _):
        assert hashlib.sha256(ask(echo, data)).digest() == hashlib.sha256(data).digest()


def test_where_nobody_listens_kubectl_tells_the_runtimes_words(client: Client) -> None:
    with client.forwarding("box", ":7999") as ((port,), process):
        assert ask(port, b"") == b""
        assert process.stderr is not None
        words = process.stderr.readline().decode()
        assert "error forwarding port 7999 to pod" in words
        assert "dial tcp4 127.0.0.1:7999: connect: connection refused" in words


def test_a_pod_that_is_gone_ends_kubectl(client: Client, ground: Pods) -> None:
    name = f"fragile-{client.protocol}"
    with client.forwarding(name, ":7000", ":8080") as ((echo, page), process):
        with socket.create_connection(("127.0.0.1", echo), 30) as connection:
            connection.sendall(b"hello")
            assert connection.recv(5) == b"hello"
            ground("delete", "pod", name, "--now")
            assert connection.recv(1) == b""
        assert get(page) == b""
        assert process.wait(60) == 1
        assert process.stderr is not None and b"error: lost connection to pod\n" in process.stderr.read()


def test_what_cannot_be_forwarded_is_refused(ground: Pods, client: Client) -> None:
    ground.create(pod("waits", image="busybox", nodeSelector={"no": "such"}))
    done = client("port-forward", "waits", ":80", check=False)
    words = "error: unable to forward port because pod is not running. Current status=Pending\n"
    assert (done.returncode, done.stderr.decode()) == (1, words)
    ground("delete", "pod", "waits", "--now")
