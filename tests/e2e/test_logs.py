"""kubectl logs, with all its flags, of every container of a pod and what it was before."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.containers import Containers
from tests.e2e.manifests import FOREVER, manifest, shell

WRITES = "echo one; echo two >&2; echo three; "
LONG = "head -c 40000 /dev/zero | tr '\\0' x; echo; "  # three pieces of 16 KiB in the engine's log
BINARY = r"printf '\001\000cr\r\nno end'"  # what is no UTF-8 the engine's json-file does not keep
TWICE = f"if mkdir /data/x 2>/dev/null; then echo first; exit 1; fi; echo second; {FOREVER}"
FLOOD_BYTES = 80_000_000


@pytest.fixture(scope="module")
def logged(cluster: Cluster) -> Iterator[Pods]:
    """Pods of one namespace, which have all written what they write."""
    name = "test-logs"
    cluster.kubectl("create", "namespace", name)
    pods = Pods(cluster.kubectl, name, eventually)
    try:
        eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
        for each in _manifests():
            pods.create(each)
        pods.running("many")
        pods.until("over", lambda pod: pod["status"]["phase"] == "Succeeded")
        pods.until("loops", lambda pod: container(pod).get("restartCount", 0) >= 1 and _waits(pod), 60)
        pods.until(
            "again", lambda pod: container(pod).get("restartCount", 0) == 1 and "running" in container(pod)["state"]
        )
        yield pods
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


def _manifests() -> list[str]:
    init = shell("echo init is done", "init")
    apps = [shell(WRITES + FOREVER), shell(f"echo from side; {FOREVER}", "side")]
    return [
        manifest("many", apps, initContainers=[init]),
        manifest("over", [shell(LONG + BINARY)], restartPolicy="Never"),
        manifest("loops", [shell("echo run $(cat /proc/sys/kernel/random/uuid); exit 1")]),
        manifest("again", [shell(TWICE, volumeMounts=DATA)], volumes=[{"name": "data", "emptyDir": {}}]),
        manifest("waits", [{"name": "app", "image": "127.0.0.1:1/nothing:1"}]),
        manifest("unplaced", [shell("true")], nodeSelector={"no": "such"}),
    ]


DATA = [{"name": "data", "mountPath": "/data"}]


def _waits(pod: dict[str, Any]) -> bool:
    return container(pod)["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"


def test_each_container_has_its_own_log(logged: Pods) -> None:
    def all_three() -> bool:
        return set(logged("logs", "many", "-c", "app").stdout.split()) == {"one", "two", "three"}

    logged.eventually(all_three)
    assert logged("logs", "many", "-c", "side").stdout == "from side\n"
    assert logged("logs", "many", "-c", "init").stdout == "init is done\n"
    refused = logged("logs", "many", "-c", "other", check=False)
    assert refused.returncode == 1 and "container other is not valid for pod many" in refused.stderr
    raw = logged("get", "--raw", f"/api/v1/namespaces/{logged.namespace}/pods/many/log", check=False)
    words = "a container name must be specified for pod many, choose one of: [app side]"
    assert f"{words} or one of the init containers: [init]" in raw.stderr


def test_all_containers_and_all_pods_of_a_label_are_told_apart(logged: Pods) -> None:
    lines = logged("logs", "many", "--all-containers", "--prefix").stdout.splitlines()
    assert {"[pod/many/side] from side", "[pod/many/init] init is done", "[pod/many/app] one"} <= set(lines)
    lines = logged("logs", "-l", "app in (many,again)", "--prefix", "-c", "app").stdout.splitlines()
    assert {"[pod/many/app] one", "[pod/again/app] second"} <= set(lines)
    refused = logged("logs", "-f", "-l", "app in (many,again)", "--all-containers", "--max-log-requests=1", check=False)
    assert "but maximum allowed concurrency is 1" in refused.stderr


def test_the_end_of_a_log_by_lines_and_bytes_and_time(logged: Pods) -> None:
    assert len(logged("logs", "many", "-c", "app", "--tail=2").stdout.splitlines()) == 2
    assert logged("logs", "many", "-c", "app", "--tail=0").stdout == ""
    assert len(logged("logs", "many", "-c", "app", "--limit-bytes=5").stdout) == 5
    assert logged("logs", "many", "-c", "side", "--since=1h").stdout == "from side\n"
    stamp, _, text = logged("logs", "many", "-c", "side", "--timestamps").stdout.partition(" ")
    assert text == "from side\n" and len(stamp) == len("2026-11-22T11:00:00.000000000Z")
    assert logged("logs", "many", "-c", "side", f"--since-time={stamp}").stdout == "from side\n"
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    assert logged("logs", "many", "-c", "side", f"--since-time={later}").stdout == ""
    assert logged("logs", "many", "-c", "side", "--insecure-skip-tls-verify-backend").stdout == "from side\n"


def test_the_streams_can_be_asked_for_alone(logged: Pods) -> None:
    path = f"/api/v1/namespaces/{logged.namespace}/pods/many/log?container=app&stream="
    assert logged("get", "--raw", f"{path}Stderr").stdout == "two\n"
    assert logged("get", "--raw", f"{path}Stdout").stdout == "one\nthree\n"
    refused = logged("get", "--raw", f"{path}stdout", check=False)
    assert 'supported values: "All", "Stderr", "Stdout"' in refused.stderr


def test_long_lines_and_bytes_that_are_no_text_come_as_they_were_written(logged: Pods, cluster: Cluster) -> None:
    for options in ((), ("--follow",)):
        command = ["kubectl", "-n", logged.namespace, "logs", "over", *options]
        done = subprocess.run(command, env=cluster.environment, capture_output=True, timeout=30, check=True)
        assert done.stdout == b"x" * 40000 + b"\n" + b"\001\000cr\r\nno end"
    stamped = logged("logs", "over", "--timestamps", "--limit-bytes=40100").stdout.splitlines()[0]
    assert stamped.partition(" ")[2] == "x" * 40000


def test_the_previous_instance_is_the_one_that_ended_last(logged: Pods) -> None:
    assert logged("logs", "again").stdout == "second\n"
    assert logged("logs", "again", "--previous").stdout == "first\n"
    refused = logged("logs", "many", "-c", "app", "--previous", check=False)
    assert refused.stderr.endswith('previous terminated container "app" in pod "many" not found\n')
    assert "(BadRequest)" in refused.stderr


def test_while_a_crash_loop_waits_both_logs_are_of_what_has_ended(logged: Pods) -> None:
    logged.until("loops", _waits)
    now, before = logged("logs", "loops").stdout, logged("logs", "loops", "--previous").stdout
    assert now == before and now.startswith("run ")


def test_what_has_no_log_yet_says_why(logged: Pods) -> None:
    logged.until_status("waits", "ImagePullBackOff", "ErrImagePull")
    refused = logged("logs", "waits", check=False).stderr
    assert '(BadRequest): container "app" in pod "waits" is waiting to start: ' in refused
    assert refused.rstrip().endswith(("image can't be pulled", "trying and failing to pull image"))
    assert logged("logs", "unplaced").stdout == ""
    assert "(NotFound)" in logged("logs", "nobody", check=False).stderr


def test_a_debugging_container_has_a_log(logged: Pods) -> None:
    logged("debug", "many", "--image=busybox", "--image-pull-policy=IfNotPresent", "-c", "peek", "--", "echo", "peeked")
    logged.eventually(lambda: logged("logs", "many", "-c", "peek", check=False).stdout == "peeked\n")


def test_a_log_that_was_removed_from_the_engine_says_so(logged: Pods, docker: Containers) -> None:
    id = container(logged.get("over"))["state"]["terminated"]["containerID"].removeprefix("docker://")
    docker.remove(id)
    assert logged("logs", "over").stdout == f"unable to retrieve container logs for docker://{id}"


def test_a_flood_is_followed_across_rotations_and_leaves_the_node_well(
    pods: Pods, cluster: Cluster, docker: Containers
) -> None:
    """The writer waits for the engine, the disk keeps five files of 10 MiB, the API stays quick."""
    script = f"yes {'y' * 1000} | head -c {FLOOD_BYTES}; echo; echo the end; {FOREVER}"
    pods.create(manifest("flood", [shell(script)]))
    pods.running("flood")
    id = container(pods.get("flood"))["containerID"].removeprefix("docker://")
    follow = subprocess.Popen(
        ["kubectl", "-n", pods.namespace, "logs", "-f", "flood", "--tail=1"],
        env=cluster.environment,
        stdout=subprocess.PIPE,
    )
    found = threading.Event()

    def read() -> None:
        assert follow.stdout
        if any(line == b"the end\n" for line in follow.stdout):
            found.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + 180
        while not found.wait(0.2) and time.monotonic() < deadline:
            json.loads(pods("get", "--raw", f"/api/v1/namespaces/{pods.namespace}/pods/flood", timeout=15).stdout)
        assert found.is_set(), "the end of the log is seen by who follows"
    finally:
        follow.kill()
        follow.wait(60)
        reader.join(10)
        assert follow.stdout
        follow.stdout.close()
    files = list(Path(docker.log_file(id)).parent.glob("*.log*"))
    assert len(files) == 5 and sum(file.stat().st_size for file in files) < 60 << 20
    assert pods("logs", "flood", "--tail=1").stdout == "the end\n"
