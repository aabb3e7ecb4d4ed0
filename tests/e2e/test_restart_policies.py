"""Containers that exit 0, exit 1 and get killed, under each restart policy."""

from typing import Any

import pytest

from tests.e2e.asking import container
from tests.e2e.manifests import FOREVER, manifest, pod, shell

ENDS = [
    ("Never", "exit 0", "Succeeded", "Completed"),
    ("Never", "exit 3", "Failed", "Error"),
    ("OnFailure", "exit 0", "Succeeded", "Completed"),
]


@pytest.mark.parametrize(("policy", "script", "phase", "shown"), ENDS)
def test_a_pod_that_may_end_ends(pods: Any, policy: str, script: str, phase: str, shown: str) -> None:
    pods.create(pod("job", "sh", "-c", script, restartPolicy=policy))
    pods.until("job", lambda found: found["status"].get("phase") == phase)
    assert pods.shown("job")[1:4] == ["0/1", shown, "0"]
    ended = container(pods.get("job"))["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (int(script[-1]), shown)


@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
def test_a_failing_container_is_restarted_with_growing_waits(pods: Any, policy: str) -> None:
    pods.create(pod("failing", "sh", "-c", "echo attempt; exit 1", restartPolicy=policy))
    pods.until("failing", lambda found: container(found).get("restartCount", 0) >= 1)
    pods.until_status("failing", "CrashLoopBackOff")
    found = container(pods.get("failing"))
    assert found["lastState"]["terminated"]["exitCode"] == 1
    assert "back-off" in found["state"]["waiting"]["message"]
    assert pods("logs", "failing", "--previous").stdout == "attempt\n"
    pods.eventually(lambda: "BackOff" in dict(pods.events("failing")))


def test_a_container_that_succeeds_is_restarted_always(pods: Any) -> None:
    pods.create(pod("again", "sh", "-c", "exit 0", restartPolicy="Always"))
    pods.until("again", lambda found: container(found).get("restartCount", 0) >= 1)
    assert pods.phase("again") == "Running"


def test_a_killed_container_is_restarted_in_its_sandbox(pods: Any, docker: Any) -> None:
    pods.create(pod("stable", "sh", "-c", FOREVER))
    before = pods.running("stable")
    docker.kill(container(before)["containerID"].removeprefix("docker://"))
    pods.until("stable", lambda found: container(found).get("restartCount") == 1)
    after = pods.running("stable")
    assert after["status"]["podIP"] == before["status"]["podIP"]
    assert container(after)["lastState"]["terminated"]["exitCode"] == 137


def test_one_member_that_may_end_does_not_end_the_pod(pods: Any) -> None:
    members = [shell("exit 0", "short"), shell(FOREVER, "long")]
    pods.create(manifest("mixed", members, restartPolicy="Never"))
    pods.until("mixed", lambda found: "terminated" in container(found, "short").get("state", {}))
    found = pods.get("mixed")
    assert found["status"]["phase"] == "Running"
    assert pods.shown("mixed")[1:3] == ["1/2", "NotReady"]


def test_a_container_over_its_memory_limit_is_oom_killed(pods: Any) -> None:
    greedy = shell("tail /dev/zero", resources={"limits": {"memory": "16Mi"}})
    pods.create(manifest("greedy", [greedy], restartPolicy="Never"))
    pods.until_status("greedy", "OOMKilled")
    ended = container(pods.get("greedy"))["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_init_containers_run_one_by_one_before_the_others(pods: Any) -> None:
    init = [shell("echo one > /data/log", "first"), shell("echo two >> /data/log", "second")]
    for member in init:
        member["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    main = shell("cat /data/log; " + FOREVER, volumeMounts=[{"name": "data", "mountPath": "/data"}])
    pods.create(manifest("ordered", [main], initContainers=init, volumes=[{"name": "data", "emptyDir": {}}]))
    pods.running("ordered")
    assert pods("logs", "ordered", "-c", "app").stdout == "one\ntwo\n"


def test_a_failing_init_container_keeps_the_others_from_starting(pods: Any) -> None:
    pods.create(manifest("stuck", [shell(FOREVER)], initContainers=[shell("exit 1", "init")]))
    pods.until_status("stuck", "Init:CrashLoopBackOff", "Init:Error")
    assert pods.phase("stuck") == "Pending"
    pods.create(manifest("failed", [shell(FOREVER)], initContainers=[shell("exit 1", "init")], restartPolicy="Never"))
    pods.until_status("failed", "Init:Error")
    assert pods.phase("failed") == "Failed"
    ended = {"type": "PodReadyToStartContainers", "status": "False"}
    pods.until("failed", lambda pod: any(ended.items() <= each.items() for each in pod["status"]["conditions"]))
    assert pods.status("failed") == "Init:Error", "what never had its turn is not lost"
