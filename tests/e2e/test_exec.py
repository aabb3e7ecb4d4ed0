"""kubectl exec over both protocols: terminals, signals, half-close, exit codes, and ends in the middle."""

import concurrent.futures
import hashlib
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podling.cli.report import read_report
from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, eventually, kubectls
from tests.e2e.manifests import FOREVER, manifest, pod, shell
from tests.e2e.streaming import PROTOCOLS, Client, Terminal

LARGE_BYTES = {"websocket": 100 << 20, "spdy": 20 << 20}
MANY, MOST_GROWTH_BYTES = 100, 64 << 20


@pytest.fixture(scope="module")
def ground(cluster: Cluster) -> Iterator[Pods]:
    """A namespace with a pod `box` that all tests share."""
    namespace = f"exec-{uuid.uuid4().hex[:6]}"
    cluster.kubectl("create", "namespace", namespace)
    pods = Pods(cluster.kubectl, namespace, eventually)
    eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
    pods.create(pod("box", "sh", "-c", FOREVER))
    for protocol in PROTOCOLS:
        pods.create(pod(f"fragile-{protocol}", "sh", "-c", FOREVER, restartPolicy="Never"))
    pods.create(manifest("early", [shell(FOREVER)], initContainers=[shell("sleep 1000", "first")]))
    pods.running("box")
    yield pods
    cluster.kubectl("delete", "namespace", namespace, "--wait=false", check=False)


@pytest.fixture(params=PROTOCOLS)
def client(request: pytest.FixtureRequest, cluster: Cluster, ground: Pods) -> Client:
    return Client(kubectls()[-1], cluster.environment, ground.namespace, request.param)


def inside(ground: Pods, script: str) -> str:
    """What a script says in the box."""
    return ground("exec", "box", "--", "sh", "-c", script).stdout.strip()


def test_many_megabytes_go_both_ways_at_once_unchanged(client: Client) -> None:
    data = os.urandom(LARGE_BYTES[client.protocol])
    done = client("exec", "-i", "box", "--", "cat", stdin=data)
    assert len(done.stdout) == len(data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_the_end_of_standard_input_is_not_the_end_of_the_output(client: Client) -> None:
    done = client("exec", "-i", "box", "--", "sh", "-c", "wc -c; echo after; echo aside >&2", stdin=b"x" * 100_000)
    assert (done.stdout.split(), done.stderr) == ([b"100000", b"after"], b"aside\n")


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 1", 1), ("exit 126", 126), ("nope", 127), ("kill -9 $$", 137), ("kill -15 $$", 143)],
)
def test_exit_codes_are_kubectls_own(ground: Pods, script: str, code: int) -> None:
    assert ground("exec", "box", "--", "sh", "-c", script, check=False).returncode == code


def test_a_program_that_is_not_there_is_an_error_in_the_runtimes_words(client: Client) -> None:
    done = client("exec", "box", "--", "nope", check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    words = done.stderr.decode()
    assert words.startswith("error: Internal error occurred: error executing command in container: failed to exec in")
    assert 'exec: "nope": executable file not found in $PATH' in words


def test_a_terminal_has_its_size_and_passes_control_c(client: Client) -> None:
    with Terminal(client, "exec", "-it", "box", "--", "sh", rows=31, columns=99) as terminal:
        terminal.until("# ")
        ask(terminal, "stty size", "31 99")
        terminal.resize(40, 120)
        ask(terminal, "stty size", "40 120")
        terminal.type("echo be''gun; sleep 1000\r")
        terminal.until("begun")
        terminal.type("\x03")
        terminal.until("# ")
        terminal.type("echo code $?\r")
        terminal.until("code 130")
        terminal.type("exit 3\r")
        assert terminal.process.wait(60) == 3


def ask(terminal: Terminal, command: str, answer: str) -> None:
    """Until the answer comes: the size follows a moment later."""
    for _ in range(20):
        terminal.type(f"{command}; echo d''one\r")
        if answer in terminal.until("done"):
            return
    pytest.fail(f"{command} never said {answer}")


def test_a_client_that_dies_ends_the_input_and_leaves_the_command(client: Client, ground: Pods) -> None:
    """What Kubernetes does: the command is told by the end of its input alone."""
    mark = f"/tmp/{uuid.uuid4().hex}"
    script = f"echo begun; cat > /dev/null; echo ended > {mark}; exec sleep 1000"
    with client.open("exec", "-i", "box", "--", "sh", "-c", script) as process:
        assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    eventually(lambda: inside(ground, f"cat {mark} 2>/dev/null || :") == "ended")
    assert int(inside(ground, "pidof sleep | wc -w")) >= 1


def test_twenty_at_once_do_not_mix(client: Client) -> None:
    def run(number: int) -> bytes:
        return client("exec", "-i", "box", "--", "sh", "-c", f"echo {number}; cat", stdin=b"%d\n" % number).stdout

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert list(pool.map(run, range(20))) == [b"%d\n%d\n" % (number, number) for number in range(20)]


def test_a_reader_that_stops_holds_the_command_and_costs_little_memory(client: Client, cluster: Cluster) -> None:
    count = f"/tmp/{uuid.uuid4().hex}"
    script = f"for n in $(seq {MANY}); do head -c 1048576 /dev/zero; echo $n > {count}; done"
    before = resident(cluster)
    with client.open("exec", "box", "--", "sh", "-c", script) as process:
        assert process.stdout is not None and process.stdout.read(1)
        os.kill(process.pid, signal.SIGSTOP)
        written: list[bytes] = []

        def stalled() -> bool:
            written.append(client("exec", "box", "--", "cat", count).stdout)
            return len(written) > 3 and len(set(written[-3:])) == 1

        eventually(stalled)
        assert int(written[-1]) < MANY
        assert all(now - was < MOST_GROWTH_BYTES for now, was in zip(resident(cluster), before, strict=True))
        os.kill(process.pid, signal.SIGCONT)
        assert len(process.stdout.read(1 << 20)) == 1 << 20


def resident(cluster: Cluster) -> list[int]:
    """Bytes of memory of the two services that carry streams."""
    return [int(Path(f"/proc/{pid(cluster, name)}/statm").read_text().split()[1]) * 4096 for name in CARRIERS]


CARRIERS = ("apiserver", "kubelet-n1")


def pid(cluster: Cluster, service: str) -> int:
    report = read_report(cluster.state)
    assert report is not None
    return int(report.services[service].pid)


def test_a_container_that_ends_takes_its_commands_with_137(client: Client, ground: Pods, docker: Any) -> None:
    name = f"fragile-{client.protocol}"
    [status] = ground.running(name)["status"]["containerStatuses"]
    with client.open("exec", name, "--", "sh", "-c", "echo begun; exec sleep 1000") as process:
        assert process.stdout is not None and process.stdout.readline() == b"begun\n"
        docker.kill(status["containerID"].removeprefix("docker://"))
        _, words = process.communicate(timeout=60)
    assert (process.returncode, words) == (137, b"command terminated with exit code 137\n")


def test_a_kubelet_that_is_killed_breaks_the_command_in_words_and_comes_back(ground: Pods, cluster: Cluster) -> None:
    client = Client(kubectls()[-1], cluster.environment, ground.namespace, "websocket")
    with client.open("exec", "box", "--", "sh", "-c", "echo begun; exec sleep 1000") as process:
        assert process.stdout is not None and process.stdout.readline() == b"begun\n"
        os.kill(pid(cluster, "kubelet-n1"), signal.SIGKILL)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 1
    assert words == b"error: Internal error occurred: the connection to the kubelet of node n1 was lost\n"
    eventually(lambda: client("exec", "box", "--", "true", check=False).returncode == 0)


def test_which_containers_can_be_entered(client: Client, ground: Pods) -> None:
    ground.until_status("early", "Init:0/1")
    eventually(lambda: client("exec", "early", "-c", "first", "--", "true", check=False).returncode == 0)
    refused = {
        ("early", "app"): 'error: unable to upgrade connection: container not found ("app")\n',
        ("box", "nope"): "container nope is not valid for pod box",
        ("none", "app"): 'Error from server (NotFound): pods "none" not found\n',
    }
    for (name, container), words in refused.items():
        done = client("exec", name, "-c", container, "--", "true", check=False)
        assert done.returncode == 1 and words in done.stderr.decode()
    ground("debug", "box", "--image=busybox", "--image-pull-policy=IfNotPresent", "-c", "extra", "--", "sleep", "1000")
    eventually(lambda: client("exec", "box", "-c", "extra", "--", "true", check=False).returncode == 0)


def test_a_pod_that_is_over_cannot_be_entered(ground: Pods) -> None:
    ground.create(pod("over", "true", restartPolicy="Never"))
    ground.until_status("over", "Completed")
    done = ground("exec", "over", "--", "true", check=False)
    assert "cannot exec into a container in a completed pod; current phase is Succeeded" in done.stderr
