"""Debian's kubectl, which is sixteen versions older than the API: SPDY, OpenAPI 2 as protobuf, checks of its own."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asking import Pods
from tests.e2e.manifests import FOREVER, manifest, shell
from tests.e2e.streaming import Client, Terminal

HELLO = str(Path(__file__).parents[2] / "examples" / "hello-pod.yaml")


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("old-kubectl")
    folder.chmod(0o777)  # apt's own user writes there
    try:
        subprocess.run(["apt-get", "download", "kubernetes-client"], cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no kubectl of the distribution: {error}")
    [package] = folder.glob("kubernetes-client_*.deb")
    subprocess.run(["dpkg", "-x", package, folder], check=True)
    return os.fspath(folder / "usr" / "bin" / "kubectl")


@pytest.fixture
def pods(old: str, cluster: Any, namespace: str, eventually: Any) -> Pods:
    def kubectl(*arguments: str, input: str | None = None, check: bool = True, timeout: float = 60) -> Any:
        return cluster.kubectl(*arguments, input=input, check=check, timeout=timeout, program=old)

    return Pods(kubectl, namespace, eventually)


def test_it_does_what_it_did(pods: Pods) -> None:
    assert pods("apply", "-f", HELLO).stdout == "pod/hello-pod created\n"
    pods.running("hello-pod")
    assert pods("apply", "-f", HELLO).stdout == "pod/hello-pod unchanged\n"
    assert pods.shown("hello-pod")[1:4] == ["1/1", "Running", "0"]
    assert "Container started" in pods("describe", "pod", "hello-pod").stdout
    assert pods("exec", "-i", "hello-pod", "--", "cat", input="through\n").stdout == "through\n"
    failed = pods("exec", "hello-pod", "--", "sh", "-c", "exit 7", check=False)
    assert failed.returncode == 7
    assert "serves a page" in pods("logs", "hello-pod").stdout
    page = f"/api/v1/namespaces/{pods.namespace}/pods/hello-pod:8080/proxy/"
    pods.eventually(lambda: "Hello from hello-pod" in pods("get", "--raw", page, check=False).stdout)
    assert "is running at" in pods("cluster-info").stdout
    assert pods("delete", "pod", "hello-pod", "--now").stdout.startswith('pod "hello-pod" deleted')


def test_its_streams(pods: Pods, old: str, cluster: Any, tmp_path: Path) -> None:
    client = Client(old, cluster.environment, pods.namespace, "spdy")
    pods.create(manifest("box", [shell(f"nc -ll -p 7000 -e cat & {FOREVER}"), shell("cat", "hears", stdin=True)]))
    pods.running("box")
    data, there, back = os.urandom(10 << 20), tmp_path / "there", tmp_path / "back"
    there.write_bytes(data)
    client("cp", str(there), "box:/tmp/file", "-c", "app")
    client("cp", "box:/tmp/file", str(back), "-c", "app")
    assert back.read_bytes() == data
    assert client("exec", "-i", "box", "-c", "app", "--", "cat", stdin=data).stdout == data
    with client.forwarding("box", ":7000") as ((port,), _), socket.create_connection(("127.0.0.1", port), 30) as echo:
        echo.sendall(b"to and fro")
        echo.shutdown(socket.SHUT_WR)
        assert echo.makefile("rb").read() == b"to and fro"
    with Terminal(client, "exec", "-it", "box", "-c", "app", "--", "sh", rows=35, columns=97) as terminal:
        terminal.until("# ")
        terminal.type("until stty size | grep -q '35 97'; do sleep 0.1; done; echo si''zed; exit 4\r")
        terminal.until("sized")
        assert terminal.process.wait(60) == 4
    with client.open("attach", "-i", "box", "-c", "hears") as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"heard\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"heard\n"
    refused = client("exec", "box", "-c", "app", "--", "nope", check=False)
    assert refused.returncode == 1 and b'exec: "nope": executable file not found in $PATH' in refused.stderr


def test_it_explains_and_checks_by_the_old_openapi(pods: Pods) -> None:
    assert "restartPolicy" in pods("explain", "pods", "--recursive").stdout
    assert "Restart policy for all containers" in pods("explain", "pod.spec.restartPolicy").stdout
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, imagee: c}]}"
    refused = pods("apply", "-f", "-", input=text, check=False)
    assert 'unknown field "imagee"' in refused.stderr
