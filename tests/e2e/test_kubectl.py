"""The kubectl that people have: its verbs and flags, the version on PATH and the one from PyPI."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from typing import IO, Any

import pytest

from tests.e2e.asking import Pods
from tests.e2e.conftest import kubectls
from tests.e2e.manifests import FOREVER, manifest, pod, shell


@pytest.fixture(params=kubectls(), ids=lambda path: "beside python" if ".venv" in path else "on PATH")
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def either(program: str, cluster: Any, namespace: str, eventually: Any) -> Pods:
    def kubectl(*arguments: str, input: str | None = None, check: bool = True, timeout: float = 60) -> Any:
        return cluster.kubectl(*arguments, input=input, check=check, timeout=timeout, program=program)

    return Pods(kubectl, namespace, eventually)


@contextlib.contextmanager
def running(command: list[str], cluster: Any) -> Iterator[IO[str]]:
    """The output of a command that goes on until the block ends."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=cluster.environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.terminate()


def test_about_the_cluster(either: Pods) -> None:
    version = json.loads(either("version", "-o", "json").stdout)
    assert (version["serverVersion"]["major"], version["serverVersion"]["minor"]) == ("1", "36")
    assert "is running at" in either("cluster-info").stdout
    rows = {row.split()[0] for row in either("api-resources", "--no-headers").stdout.splitlines()}
    assert {"pods", "nodes", "namespaces", "configmaps", "secrets", "serviceaccounts", "leases", "roles"} <= rows
    assert either("auth", "can-i", "create", "pods").stdout == "yes\n"
    assert either("auth", "can-i", "create", "pods", "--as", "dora", check=False).stdout == "no\n"
    assert "kubernetes-admin" in either("auth", "whoami").stdout
    node = either("get", "nodes", "-o", "name").stdout.split()[0]
    described = either("describe", node).stdout
    for word in ("Ready", "Capacity:", "Allocatable:", "cpu", "PodCIDR:"):
        assert word in described


def test_run_get_label_annotate_patch_delete(either: Pods) -> None:
    assert either(
        "run",
        "web",
        "--image=busybox",
        "--image-pull-policy=IfNotPresent",
        "--labels=app=web",
        "--",
        "sh",
        "-c",
        FOREVER,
    )
    either.running("web")
    assert either("get", "pods", "-o", "name").stdout == "pod/web\n"
    assert either("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").stdout == "web"
    assert either("get", "pods", "-l", "app=db").stdout == ""
    assert either.namespace in either("get", "pods", "-A").stdout
    assert either("label", "pod", "web", "tier=front").stdout == "pod/web labeled\n"
    assert either("annotate", "pod", "web", "note=hello").stdout == "pod/web annotated\n"
    assert either("patch", "pod", "web", "-p", '{"metadata":{"labels":{"tier":"back"}}}').stdout == "pod/web patched\n"
    patch = '[{"op":"remove","path":"/metadata/labels/tier"}]'
    assert either("patch", "pod", "web", "--type=json", "-p", patch).stdout == "pod/web patched\n"
    assert either.get("web")["metadata"]["labels"] == {"app": "web"}
    assert "Started" in either("get", "events").stdout
    assert either("delete", "pod", "web", "--grace-period=1").stdout.startswith('pod "web" deleted')
    assert "not found" in either("get", "pod", "web", check=False).stderr


def test_apply_twice_changes_only_what_was_changed(either: Pods) -> None:
    text = pod("web", "sh", "-c", FOREVER)
    assert either("apply", "-f", "-", input=text).stdout == "pod/web created\n"
    assert either("apply", "-f", "-", input=text).stdout == "pod/web unchanged\n"
    changed = json.loads(text)
    changed["metadata"]["labels"]["new"] = "yes"
    assert either("apply", "-f", "-", input=json.dumps(changed)).stdout == "pod/web configured\n"
    assert (
        either("apply", "--server-side", "--force-conflicts", "-f", "-", input=text).stdout
        == "pod/web serverside-applied\n"
    )
    assert either.get("web")["metadata"]["labels"] == {"app": "web"}  # "new" was apply's own, and is no longer applied
    assert either("create", "-f", "-", input=text, check=False).stderr.startswith("Error from server (AlreadyExists)")


def test_logs_follow_tail_and_name_their_container(either: Pods) -> None:
    script = "for n in 1 2 3; do echo line $n; done; until test -e /go; do sleep 0.1; done; echo last"
    either.create(manifest("talks", [shell(script), shell(FOREVER, "quiet")], restartPolicy="Never"))
    either.running("talks")
    assert either("logs", "talks", "-c", "app").stdout == "line 1\nline 2\nline 3\n"
    assert either("logs", "talks", "-c", "app", "--tail=1").stdout == "line 3\n"
    stamped = either("logs", "talks", "--container", "app", "--timestamps", "--tail=1").stdout
    assert stamped.split(" ", 1)[1] == "line 3\n" and stamped.startswith("20")
    assert "container nope is not valid for pod talks" in either("logs", "talks", "-c", "nope", check=False).stderr
    followed: list[str] = []
    follower = threading.Thread(target=lambda: followed.append(either("logs", "-f", "talks", "-c", "app").stdout))
    follower.start()
    either.exec("talks", "touch", "/go")
    follower.join(30)
    assert followed == ["line 1\nline 2\nline 3\nlast\n"]


def test_exec_passes_input_output_and_exit_codes(either: Pods) -> None:
    either.create(pod("box", "sh", "-c", FOREVER))
    either.running("box")
    done = either("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 5", check=False)
    assert (done.stdout, done.returncode) == ("out\n", 5)
    assert "err\n" in done.stderr
    assert either("exec", "-i", "box", "--", "cat", input="through\n").stdout == "through\n"
    large = "0123456789abcdef" * 2**16
    assert either("exec", "-i", "box", "--", "cat", input=large).stdout == large
    missing = either("exec", "box", "--", "/no/such/program", check=False)
    assert missing.returncode != 0 and "no such file" in missing.stdout + missing.stderr


def test_attach_and_port_forward(either: Pods, cluster: Any, program: str) -> None:
    serves = "echo page > /index.html; httpd -p 127.0.0.1:8080 -h /; " + FOREVER
    either.create(pod("serves", "sh", "-c", serves))
    either.running("serves")
    command = [program, "-n", either.namespace, "port-forward", "pod/serves", ":8080"]
    with running(command, cluster) as forward:
        port = forward.readline().split(":")[1].split(" ")[0]
        fetch = ["curl", "-s", "--max-time", "5", f"http://127.0.0.1:{port}/"]
        assert subprocess.run(fetch, capture_output=True, text=True, check=True).stdout == "page\n"
    either.create(manifest("echo", [{**shell("cat"), "stdin": True, "stdinOnce": True}], restartPolicy="Never"))
    either.running("echo")
    attached = either("attach", "-i", "echo", input="said\n", check=False, timeout=60)
    assert attached.stdout == "said\n"


def test_watch_shows_each_change(either: Pods, cluster: Any, program: str) -> None:
    command = [program, "-n", either.namespace, "get", "pods", "--watch"]
    with running(command, cluster) as watch:
        either.create(pod("seen", "sh", "-c", "exit 0", restartPolicy="Never"))
        rows: list[str] = []
        while not rows or "Completed" not in rows[-1]:
            rows.append(watch.readline())
            assert rows[-1], f"the watch ended after {rows}"
        assert any("Pending" in row or "ContainerCreating" in row for row in rows)


def test_explain(either: Pods) -> None:
    assert "restartPolicy" in either("explain", "pods", "--recursive").stdout
    assert "FIELD: restartPolicy" in either("explain", "pod.spec.restartPolicy").stdout
