"""What happens around a container's beginning and end: hooks, grace periods, signals, deadlines, last words.

The containers tell a server of the tests what they do; the pods are made together.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.listening import Ear, listening
from tests.e2e.manifests import FOREVER, manifest, shell

HOST = {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}


class Lives(NamedTuple):
    pods: Pods
    ear: Ear


@pytest.fixture(scope="module")
def lives(cluster: Cluster) -> Iterator[Lives]:
    cluster.kubectl("create", "namespace", "test-hooks")
    pods = Pods(cluster.kubectl, "test-hooks", eventually)
    try:
        with listening() as ear:
            eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
            pods.create("\n".join(manifests(ear.port)))
            yield Lives(pods, ear)
    finally:
        cluster.kubectl("delete", "namespace", "test-hooks", "--wait=false", check=False)


def telling(port: int, path: str) -> str:
    return f"wget -q -O /dev/null http://$HOST:{port}/{path}"


def manifests(port: int) -> list[str]:
    def http(path: str) -> dict[str, Any]:
        return {"httpGet": {"host": "127.0.0.1", "port": port, "path": path}}

    def sh(script: str) -> dict[str, Any]:
        return {"exec": {"command": ["sh", "-c", script]}}

    def on(signal: str, path: str) -> str:
        return f"trap '{telling(port, path)}; exit 0' {signal}; while :; do sleep 1 & wait $!; done"

    first = shell("while [ ! -e /tmp/hooked ]; do sleep 0.1; done; " + FOREVER, "first")
    first["lifecycle"] = {"postStart": sh("sleep 1; touch /tmp/hooked")}
    words = shell("echo from the log; exit 3", "log", terminationMessagePolicy="FallbackToLogsOnError")
    return [
        manifest(
            "hooked",
            [
                shell(on("TERM", "term"), env=[HOST], lifecycle={"postStart": http("/up"), "preStop": http("/down")}),
                shell(FOREVER, "any", lifecycle={"preStop": http("/no/matter")}),
                shell(FOREVER, "sleeper", lifecycle={"postStart": {"sleep": {"seconds": 1}}}),
            ],
            terminationGracePeriodSeconds=20,
        ),
        manifest("ordered", [first, shell(FOREVER, "second", securityContext={"runAsUser": 1000, "runAsGroup": 3000})]),
        manifest("unhooked", [shell(FOREVER, lifecycle={"postStart": sh("echo no; exit 7")})]),
        manifest("lost", [shell(FOREVER, lifecycle={"preStop": sh("exit 1")})]),
        manifest("stubborn", [shell("trap '' TERM; while :; do sleep 1; done")], terminationGracePeriodSeconds=600),
        manifest("forced", [shell("trap '' TERM; while :; do sleep 1; done")], terminationGracePeriodSeconds=600),
        manifest(
            "signalled",
            [shell(on("USR1", "usr1"), env=[HOST], lifecycle={"stopSignal": "SIGUSR1"})],
            os={"name": "linux"},
            terminationGracePeriodSeconds=20,
        ),
        manifest("late", [shell(FOREVER)], activeDeadlineSeconds=3),
        manifest(
            "wordy",
            [shell("echo farewell > /tmp/words; exit 1", terminationMessagePath="/tmp/words"), words],
            restartPolicy="Never",
        ),
    ]


def test_hooks_by_http_are_asked_before_and_after_and_any_answer_will_do(lives: Lives) -> None:
    pods, ear = lives
    pods.running("hooked", 90)
    assert ear.hears("/up") and dict(ear.headers["/up"])["User-Agent"] == "kube-lifecycle/1.36"
    pods("delete", "pod", "hooked", "--wait=false")
    pods.gone("hooked")
    assert ear.hears("/no/matter") and ear.heard.index("/down") < ear.heard.index("/term")
    assert "FailedPreStopHook" not in dict(pods.events("hooked"))


def test_whoever_comes_after_a_hooked_container_waits_for_the_hook(lives: Lives) -> None:
    found = lives.pods.running("ordered", 60)
    first, second = (container(found, name)["state"]["running"]["startedAt"] for name in ("first", "second"))
    assert first < second
    assert container(found, "second")["user"] == {"linux": {"uid": 1000, "gid": 3000, "supplementalGroups": [3000]}}


def test_a_failing_post_start_hook_ends_its_container(lives: Lives) -> None:
    pods = lives.pods
    pods.until("unhooked", lambda pod: container(pod).get("restartCount", 0) >= 1)
    shown = "PostStartHookError", "CrashLoopBackOff"
    pods.until("unhooked", lambda pod: container(pod)["state"].get("waiting", {}).get("reason") in shown)
    told = pods.events("unhooked")
    assert ("FailedPostStartHook", "PostStartHook failed") in told and ("Killing", "FailedPostStartHook") in told


def test_a_failing_pre_stop_hook_is_told_and_holds_nothing_up(lives: Lives) -> None:
    pods = lives.pods
    pods.running("lost")
    pods("delete", "pod", "lost", "--wait=false")
    pods.gone("lost")
    pods.eventually(lambda: ("FailedPreStopHook", "PreStopHook failed") in pods.events("lost"))


def test_a_grace_period_can_be_shortened_meanwhile(lives: Lives) -> None:
    pods = lives.pods
    pods.running("stubborn")
    pods("delete", "pod", "stubborn", "--wait=false")
    pods.until("stubborn", lambda pod: pod["metadata"].get("deletionGracePeriodSeconds") == 600)
    pods("delete", "pod", "stubborn", "--grace-period=1", "--wait=false")
    pods.gone("stubborn")


def test_force_removes_the_object_at_once_and_the_containers_soon(lives: Lives, docker: Any) -> None:
    pods = lives.pods
    uid = pods.running("forced")["metadata"]["uid"]
    pods("delete", "pod", "forced", "--force", "--grace-period=0", timeout=30)
    pods.eventually(lambda: not docker.of_pod(uid))


def test_a_stop_signal_of_ones_own_is_sent_and_shown(lives: Lives) -> None:
    pods, ear = lives
    assert container(pods.running("signalled"))["stopSignal"] == "SIGUSR1"
    pods("delete", "pod", "signalled", "--wait=false")
    pods.gone("signalled")
    assert ear.hears("/usr1")


def test_a_pod_over_its_deadline_fails(lives: Lives) -> None:
    pods = lives.pods
    pods.until("late", lambda pod: pod["status"]["phase"] == "Failed")
    found = pods.get("late")
    assert found["status"]["reason"] == "DeadlineExceeded"
    assert found["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    pods.until("late", lambda pod: "terminated" in container(pod)["state"])


def test_last_words_come_from_a_file_or_from_the_log(lives: Lives) -> None:
    pods = lives.pods
    expected = {"app": "farewell\n", "log": "from the log\n"}

    def words(pod: dict[str, Any]) -> dict[str, str]:
        ended = {name: container(pod, name).get("state", {}).get("terminated", {}) for name in expected}
        return {name: state.get("message", "") for name, state in ended.items()}

    pods.until("wordy", lambda pod: pod["status"]["phase"] == "Failed")
    pods.until("wordy", lambda pod: words(pod) == expected)
