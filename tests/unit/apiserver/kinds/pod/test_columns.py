"""The rows of `kubectl get pods`. Cases: golden api-tables."""

from typing import Any

import pytest

from apiserver.kinds.pod.columns import row_conditions, summary

WAITING, DONE = {"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": {"exitCode": 0, "reason": "Completed"}}
RUNNING: dict[str, Any] = {"running": {}}


def pod(status: dict[str, Any], *, containers: int = 1, inits: tuple[str, ...] = (), **meta: Any) -> dict[str, Any]:
    """`inits` are restart policies of init containers."""
    spec = {
        "containers": [{"name": f"c{number}"} for number in range(containers)],
        "initContainers": [{"name": f"i{number}", "restartPolicy": policy} for number, policy in enumerate(inits)],
    }
    return {"metadata": {"name": "web", **meta}, "spec": spec, "status": {"phase": "Running", **status}}


def one(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "c0", "state": state, **more}]}


def init(*states: dict[str, Any]) -> dict[str, Any]:
    return {"initContainerStatuses": [{"name": f"i{number}", "state": each} for number, each in enumerate(states)]}


@pytest.mark.parametrize(
    ("found", "ready", "status", "restarts"),
    [
        (pod({"phase": "Pending"}), "0/1", "Pending", "0"),
        (pod({"phase": "Failed", "reason": "Evicted"}), "0/1", "Evicted", "0"),
        (pod(one(RUNNING, ready=True)), "1/1", "Running", "0"),
        (pod(one(RUNNING, ready=True, restartCount=4)), "1/1", "Running", "4"),
        (pod(one(WAITING, restartCount=2)), "0/1", "CrashLoopBackOff", "2"),
        (pod(one({"waiting": {"reason": "ImagePullBackOff"}})), "0/1", "ImagePullBackOff", "0"),
        (pod(one(DONE)), "0/1", "Completed", "0"),
        (pod(one({"terminated": {"exitCode": 137}})), "0/1", "ExitCode:137", "0"),
        (pod(one({"terminated": {"exitCode": 1, "signal": 9}})), "0/1", "Signal:9", "0"),
        (pod(one({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})), "0/1", "OOMKilled", "0"),
        (pod({}, deletionTimestamp="2026-01-01T00:00:00Z"), "0/1", "Terminating", "0"),
        (pod({"reason": "NodeLost"}, deletionTimestamp="2026-01-01T00:00:00Z"), "0/1", "Unknown", "0"),
        (pod({"conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}), "0/1", "SchedulingGated", "0"),
        (pod(init({"waiting": {"reason": "PodInitializing"}}), inits=("", "")), "0/1", "Init:0/2", "0"),
        (pod(init(DONE, {"running": {}}), inits=("", "")), "0/1", "Init:1/2", "0"),
        (pod(init(WAITING), inits=("",)), "0/1", "Init:CrashLoopBackOff", "0"),
        (pod(init({"terminated": {"exitCode": 1, "reason": "Error"}}), inits=("",)), "0/1", "Init:Error", "0"),
        (pod(init({"terminated": {"exitCode": 3}}), inits=("",)), "0/1", "Init:ExitCode:3", "0"),
        (pod(init({"terminated": {"exitCode": 1, "signal": 15}}), inits=("",)), "0/1", "Init:Signal:15", "0"),
    ],
)
def test_a_row_says_what_goes_on(found: dict[str, Any], ready: str, status: str, restarts: str):
    assert summary(found) == (ready, status, restarts)


def test_a_container_that_runs_outshines_one_that_completed():
    both = {"containerStatuses": [{"name": "c0", "state": DONE}, {"name": "c1", "state": RUNNING, "ready": True}]}
    assert summary(pod(both, containers=2)).status == "NotReady"
    ready = {**both, "conditions": [{"type": "Ready", "status": "True"}]}
    assert summary(pod(ready, containers=2)) == ("1/2", "Running", "0")


def test_a_sidecar_counts_among_the_ready_and_its_restarts_stay():
    sidecar = {"name": "i0", "state": RUNNING, "started": True, "ready": True, "restartCount": 1}
    found = pod({"initContainerStatuses": [sidecar], **one(RUNNING, ready=True)}, inits=("Always",))
    assert summary(found) == ("2/2", "Running", "1")


def test_restarts_of_init_containers_show_only_while_they_run():
    crashing = {"name": "i0", "state": WAITING, "restartCount": 2}
    assert summary(pod({"initContainerStatuses": [crashing]}, inits=("",))).restarts == "2"
    done = {"name": "i0", "state": DONE, "restartCount": 2}
    assert summary(pod({"initContainerStatuses": [done], **one(RUNNING, ready=True)}, inits=("",))).restarts == "0"


def test_the_last_restart_shows_its_age():
    last = {"terminated": {"exitCode": 1, "finishedAt": "2020-01-01T00:00:00Z"}}
    assert summary(pod(one(WAITING, restartCount=3, lastState=last))).restarts.startswith("3 (")


def test_a_row_of_a_pod_that_ended_says_how():
    assert row_conditions(pod({"phase": "Failed"}))[0]["message"] == "The pod failed."
    assert row_conditions(pod({})) == []
