"""Every command and manifest of "Working With Pods", typed as it stands there."""

import os
import pty
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
HELLO = str(EXAMPLES / "hello-pod.yaml")


@pytest.fixture
def hello(pods: Any) -> dict[str, Any]:
    assert pods("apply", "-f", HELLO).stdout == "pod/hello-pod created\n"
    found: dict[str, Any] = pods.running("hello-pod")
    return found


def test_hello_pod_serves_its_page_at_its_own_address(pods: Any, hello: dict[str, Any]) -> None:
    address = hello["status"]["podIP"]
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=20) as page:
        assert page.status == 200
        assert b"Hello from hello-pod" in page.read()
    name, ready, status, restarts, _ = pods.shown("hello-pod")
    assert (name, ready, status, restarts) == ("hello-pod", "1/1", "Running", "0")


def test_get_shows_it_wide_and_whole(pods: Any, hello: dict[str, Any]) -> None:
    header, row = pods("get", "pods", "-o", "wide").stdout.splitlines()
    assert header.split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert hello["status"]["podIP"] in row and hello["spec"]["nodeName"] in row
    text = pods("get", "pods", "hello-pod", "-o", "yaml").stdout
    assert "restartPolicy: Always" in text  # what nobody wrote: a default
    assert "podIP:" in text


def test_describe_tells_its_story(pods: Any, hello: dict[str, Any]) -> None:
    def told() -> bool:
        text = pods("describe", "pods", "hello-pod").stdout
        return all(word in text for word in ("Successfully assigned", "Pulled", "Created", "Started"))

    pods.eventually(told)
    text = pods("describe", "pods", "hello-pod").stdout
    for word in (
        "Name:             hello-pod",
        "zone=prod",
        "hello-ctr:",
        "8080/TCP",
        "QoS Class:                   BestEffort",
    ):
        assert word in text


def test_exec_runs_commands_in_it(pods: Any, hello: dict[str, Any]) -> None:
    assert "PID" in pods("exec", "hello-pod", "--", "ps", "aux").stdout
    assert pods("exec", "hello-pod", "--", "hostname").stdout == "hello-pod\n"
    assert "Hello from hello-pod" in pods("exec", "hello-pod", "--", "curl", "-s", "localhost:8080").stdout


def test_a_shell_in_it_is_a_terminal(cluster: Any, pods: Any, hello: dict[str, Any]) -> None:
    ours, theirs = pty.openpty()
    command = ["kubectl", "-n", pods.namespace, "exec", "-it", "hello-pod", "--", "sh"]
    shell = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, env=cluster.environment)
    os.close(theirs)
    os.write(ours, b"tty && exit 7\n")
    seen = b""
    while shell.poll() is None or b"/dev/pts" not in seen:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the terminal is closed with the shell
            break
    os.close(ours)
    assert shell.wait(60) == 7
    assert b"/dev/pts/" in seen or b"/dev/console" in seen, seen


def test_edit_changes_what_may_be_changed_and_refuses_the_rest(cluster: Any, pods: Any, hello: Any) -> None:
    def edit(script: str) -> subprocess.CompletedProcess[str]:
        environment = cluster.environment | {"KUBE_EDITOR": f"sed -i {script}"}
        command = ["kubectl", "-n", pods.namespace, "edit", "pod", "hello-pod"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert edit("s/zone:.prod/zone:\\ test/").stdout == "pod/hello-pod edited\n"
    assert pods.get("hello-pod")["metadata"]["labels"]["zone"] == "test"
    refused = edit("s/containerPort:.8080/containerPort:\\ 8081/")
    assert refused.returncode != 0
    kept = Path(refused.stderr.partition('stored to "')[2].partition('"')[0])  # with the reasons as comments
    assert "pod updates may not change fields other than" in kept.read_text()
    kept.unlink()


def test_explain_knows_every_field(pods: Any) -> None:
    text = pods("explain", "pods", "--recursive").stdout
    for field in ("initContainers", "livenessProbe", "nodeAffinity", "terminationGracePeriodSeconds"):
        assert field in text
    text = pods("explain", "pod.spec.restartPolicy").stdout
    assert "FIELD: restartPolicy" in text and "Always" in text


def test_initpod_waits_until_its_service_is_found(pods: Any, tmp_path: Path) -> None:
    """DNS is the next landing's: the name is supplied by the pod's own hosts file, as hostAliases would."""
    text = (EXAMPLES / "initpod.yaml").read_text()
    pods("apply", "-f", str(EXAMPLES / "initpod.yaml"))
    pods.until_status("initpod", "Init:0/1")
    pods.eventually(lambda: "waiting for k8sbook" in pods("logs", "initpod", "-c", "init-ctr", check=False).stdout)
    assert pods.phase("initpod") == "Pending"
    pods("delete", "pod", "initpod", "--now")
    # The same pod, waiting for a file that the test supplies through a shared volume.
    waits = text.replace("until nslookup k8sbook", "until test -e /shared/k8sbook")
    assert waits != text
    folder = tmp_path / "shared"
    folder.mkdir()
    volumes = f"\n  volumes:\n  - name: shared\n    hostPath: {{path: {folder}}}\n"
    mounted = waits.replace("    command:", "    volumeMounts: [{name: shared, mountPath: /shared}]\n    command:")
    pods("apply", "-f", "-", input=mounted + volumes)
    pods.until_status("initpod", "Init:0/1")
    (folder / "k8sbook").touch()
    pods.running("initpod")
    assert "Service found!" in pods("logs", "initpod", "-c", "init-ctr").stdout


def test_git_sync_brings_new_content_to_the_web_server(pods: Any, tmp_path: Path) -> None:
    repository = tmp_path / "content"
    repository.mkdir()

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", "-C", str(repository), *who, *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "master")
    (repository / "index.html").write_text("first page")
    git("add", ".")
    git("commit", "-qm", "first")
    text = (EXAMPLES / "git-sync.yaml").read_text()
    text = text.replace("https://github.com/nigelpoulton/ps-sidecar.git", "file:///repository")
    mount = "    - name: html\n      mountPath: /tmp/git\n"
    assert mount in text
    text = text.replace(mount, mount + "    - name: repository\n      mountPath: /repository\n      readOnly: true\n")
    text += f"  - name: repository\n    hostPath:\n      path: {repository}\n"
    pods("apply", "-f", "-", input=text)
    address = pods.running("git-sync")["status"]["podIP"]

    def page() -> str:
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=20) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    pods.eventually(lambda: page() == "first page")
    (repository / "index.html").write_text("second page")
    git("commit", "-qam", "second")
    pods.eventually(lambda: page() == "second page")
    assert pods("logs", "git-sync", "--container", "ctr-sync").stdout
    assert pods("delete", "pod", "git-sync").stdout.startswith('pod "git-sync" deleted')
    assert pods("get", "pods").stdout == ""
