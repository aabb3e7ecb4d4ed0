"""kubectl attach: stdin, stdinOnce and tty of a container, and containers that end."""

import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, eventually, kubectls
from tests.e2e.manifests import manifest, shell
from tests.e2e.streaming import PROTOCOLS, Client, Terminal

ECHOES = "while read line; do echo got $line; done; echo end of input"


@pytest.fixture(scope="module")
def ground(cluster: Cluster) -> Iterator[Pods]:
    namespace = f"attach-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", namespace)
    pods = Pods(cluster.kubectl, namespace, eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    for protocol in PROTOCOLS:
        containers = [
            shell(ECHOES, "once", stdin=True, stdinOnce=True),
            shell(ECHOES, "again", stdin=True),
            shell("exec sh", "terminal", stdin=True, tty=True),
            shell("until test -e /go; do sleep 0.1; done; echo late; exit 3", "ends"),
        ]
        pods.create(manifest(protocol, containers, restartPolicy="Never"))
    for protocol in PROTOCOLS:
        pods.running(protocol)
    yield pods
    cluster.kubectl("delete", "namespace", namespace, "--wait=false", check=False)


@pytest.fixture(params=PROTOCOLS)
def client(request: pytest.FixtureRequest, cluster: Cluster, ground: Pods) -> Client:
    return Client(kubectls()[-1], cluster.environment, ground.namespace, request.param)


def test_standard_input_once_ends_with_the_first_who_attached(client: Client, ground: Pods) -> None:
    done = client("attach", "-i", "-q", client.protocol, "-c", "once", stdin=b"one\n")
    assert done.stdout == b"got one\nend of input\n"
    ended(ground, client.protocol, "once", 0)


def test_standard_input_stays_open_for_the_next_who_attaches(client: Client, ground: Pods) -> None:
    for word in (b"one", b"two"):
        with client.open("attach", "-i", "-q", client.protocol, "-c", "again") as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"got " + word + b"\n"
            process.stdin.close()
    assert "running" in container(ground.get(client.protocol), "again")["state"]


def test_a_container_with_a_terminal_has_one_when_it_is_attached_to(client: Client, ground: Pods) -> None:
    with Terminal(client, "attach", "-it", client.protocol, "-c", "terminal", rows=33, columns=111) as terminal:
        for _ in range(20):
            terminal.type("stty size; echo d''one\r")
            if "33 111" in terminal.until("done"):
                break
        else:
            pytest.fail("the size did not arrive")
        terminal.type("exit\r")
        assert terminal.process.wait(60) == 0
    ended(ground, client.protocol, "terminal", 0)


def test_a_container_that_ends_ends_the_attached(client: Client, ground: Pods) -> None:
    with client.open("attach", client.protocol, "-c", "ends") as process:
        assert process.stderr is not None and process.stderr.readline()  # attached, or about to be
        client("exec", client.protocol, "-c", "ends", "--", "touch", "/go")
        out, _ = process.communicate(timeout=60)
        assert out in (b"late\n", b"")
    ended(ground, client.protocol, "ends", 3)
    refused = client("attach", client.protocol, "-c", "ends", check=False)
    assert refused.stderr.endswith(b'error: unable to upgrade connection: container not found ("ends")\n')


def ended(ground: Pods, name: str, of: str, code: int) -> None:
    state = {"exitCode": code}
    ground.until(name, lambda found: state.items() <= container(found, of)["state"].get("terminated", {}).items())
