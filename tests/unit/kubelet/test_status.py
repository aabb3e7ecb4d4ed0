"""Statuses by Kubernetes' rules, from what is seen."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kubelet.machine import Member, Wanted
from kubelet.memory import Delays, Failure, Memory, Waiting, spell
from kubelet.process_user import ProcessUser
from kubelet.runtime import ContainerSeen, PodSeen, SandboxSeen, State
from kubelet.status import View, pod_status
from kubelet.wanted import wanted_of

from .build import typed_pod

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SANDBOX = SandboxSeen("s", 0, True, "10.0.0.2")


def seen(
    name: str = "app", state: State = State.RUNNING, code: int = 0, attempt: int = 0, **more: Any
) -> ContainerSeen:
    return ContainerSeen(
        f"{name}{attempt}", name, attempt, state, "busybox", "docker://sha256:1", "",
        created_at=NOW, started_at=NOW, finished_at=NOW if state is State.EXITED else None, exit_code=code,
        sandbox_id="s", **more,
    )  # fmt: skip


EXITED = State.EXITED


def status(pod: Any, *containers: ContainerSeen, old: Any = None, sandbox: bool = True, **view: Any) -> dict[str, Any]:
    wanted = wanted_of(pod, view.pop("memory", None) or Memory())
    have = PodSeen(wanted.ref, [SANDBOX] if sandbox else [], containers)
    return pod_status(pod, wanted, have, old or {}, View(NOW, ["192.0.2.1"], **view))


TWO = [{"name": "app"}, {"name": "b"}]
INIT = {"initContainers": [{"name": "init"}]}


@pytest.mark.parametrize(
    ("spec", "containers", "expected"),
    [
        ({}, [], "Pending"),
        ({}, [seen()], "Running"),
        ({"containers": TWO}, [seen()], "Pending"),
        ({"containers": TWO}, [seen(), seen("b", EXITED, 1)], "Running"),
        ({}, [seen(state=EXITED, code=1)], "Running"),
        ({"restartPolicy": "Never"}, [seen(state=EXITED, code=1)], "Failed"),
        ({"restartPolicy": "Never"}, [seen(state=EXITED)], "Succeeded"),
        ({"restartPolicy": "OnFailure"}, [seen(state=EXITED, code=1)], "Running"),
        ({"restartPolicy": "OnFailure"}, [seen(state=EXITED)], "Succeeded"),
        ({"restartPolicy": "Never", "containers": TWO}, [seen(state=EXITED), seen("b")], "Running"),
        (INIT, [seen("init")], "Pending"),
        (INIT, [seen("init", EXITED)], "Pending"),
        (INIT, [seen("init", EXITED, 1)], "Pending"),
        (INIT, [seen("init", EXITED), seen()], "Running"),
        ({**INIT, "restartPolicy": "Never"}, [seen("init", EXITED, 1)], "Failed"),
    ],
)
def test_the_phase(spec: dict[str, Any], containers: list[ContainerSeen], expected: str) -> None:
    assert status(typed_pod(**spec), *containers)["phase"] == expected


def condition(found: dict[str, Any], type_: str) -> tuple[Any, ...]:
    each = next(each for each in found["conditions"] if each["type"] == type_)
    return each["status"], each.get("reason"), each.get("message")


def test_what_is_not_ready_is_named() -> None:
    found = status(typed_pod(containers=TWO, **INIT), seen("init"))
    why = "containers with unready status: [app b]"
    assert condition(found, "Ready") == condition(found, "ContainersReady") == ("False", "ContainersNotReady", why)
    why = "containers with incomplete status: [init]"
    assert condition(found, "Initialized") == ("False", "ContainersNotInitialized", why)
    assert condition(found, "PodReadyToStartContainers") == ("True", None, None)


def test_a_pod_without_sandbox_has_no_address() -> None:
    found = status(typed_pod(), sandbox=False)
    assert "podIP" not in found and condition(found, "PodReadyToStartContainers")[0] == "False"
    assert found["hostIPs"] == [{"ip": "192.0.2.1"}]


def test_an_ended_pod_still_shows_its_address_and_says_why_it_is_not_ready() -> None:
    old = {"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]}
    found = status(typed_pod(restartPolicy="Never"), seen(state=EXITED), old=old, sandbox=False)
    assert found["podIP"] == "10.0.0.2"
    assert condition(found, "Ready") == ("False", "PodCompleted", None)
    assert condition(found, "Initialized") == ("True", "PodCompleted", None)


def test_a_phase_that_is_final_stays() -> None:
    assert status(typed_pod(), seen(), old={"phase": "Failed"})["phase"] == "Failed"


def test_the_kubelet_may_fail_a_pod() -> None:
    found = status(typed_pod(), seen(), failure=Failure("DeadlineExceeded", "too old"))
    assert (found["phase"], found["reason"], found["message"]) == ("Failed", "DeadlineExceeded", "too old")


def test_a_condition_keeps_its_time_until_it_turns() -> None:
    first = status(typed_pod(), seen())
    earlier = [{**each, "lastTransitionTime": "2020-01-01T00:00:00Z"} for each in first["conditions"]]
    again = status(typed_pod(), seen(state=EXITED), old={**first, "conditions": earlier})
    times = {each["type"]: each["lastTransitionTime"] for each in again["conditions"]}
    assert times["Initialized"] == "2020-01-01T00:00:00Z" and times["Ready"] == "2026-11-22T12:00:00Z"


def container(found: dict[str, Any]) -> dict[str, Any]:
    return dict(found["containerStatuses"][0])


def test_reasons_of_an_end() -> None:
    for instance, reason in (
        (seen(state=EXITED), "Completed"),
        (seen(state=EXITED, code=2), "Error"),
        (seen(state=EXITED, code=137, oom_killed=True), "OOMKilled"),
        (seen(state=State.CREATED, error="no such file"), "StartError"),
    ):
        assert container(status(typed_pod(restartPolicy="Never"), instance))["state"]["terminated"]["reason"] == reason


def test_the_message_a_container_leaves_is_shown() -> None:
    found = container(status(typed_pod(), seen(state=EXITED, termination_message="bye")))
    assert found["state"]["terminated"]["message"] == "bye"


def test_the_message_outlives_the_disk_of_a_pod_that_is_over() -> None:
    pod = typed_pod(restartPolicy="Never")
    told = status(pod, seen(state=EXITED, code=1, termination_message="farewell"))
    again = status(pod, seen(state=EXITED, code=1), old=told)
    assert container(again)["state"]["terminated"]["message"] == "farewell"
    another = status(pod, seen(state=EXITED, code=1, attempt=1), old=told)
    assert "message" not in container(another)["state"]["terminated"], "another instance's words"


def test_a_phase_minds_restart_rules_and_policies_of_containers() -> None:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    ruled = typed_pod([{"name": "app", "restartPolicy": "Never", "restartPolicyRules": [rule]}], restartPolicy="Never")
    assert status(ruled, seen(state=EXITED, code=42))["phase"] == "Running"
    assert status(ruled, seen(state=EXITED, code=1))["phase"] == "Failed"
    again = typed_pod([{"name": "app", "restartPolicy": "Always"}], restartPolicy="Never")
    assert status(again, seen(state=EXITED))["phase"] == "Running"


def test_a_sidecar_that_ended_makes_nothing_uninitialized() -> None:
    pod = typed_pod(initContainers=[{"name": "side", "restartPolicy": "Always"}])
    found = status(pod, seen(), seen("side", EXITED, 1))
    assert condition(found, "Initialized")[0] == "True" and condition(found, "Ready")[0] == "False"


def test_a_container_tells_as_whom_it_began_and_its_stop_signal() -> None:
    pod = typed_pod([{"name": "app", "lifecycle": {"stopSignal": "SIGUSR1"}}])
    told = status(pod, seen(user=ProcessUser(1, 2, (2, 3))))
    user = {"linux": {"uid": 1, "gid": 2, "supplementalGroups": [2, 3]}}
    assert container(told)["user"] == user and container(told)["stopSignal"] == "SIGUSR1"
    assert container(status(pod, seen(user=ProcessUser(9, 9, (9,))), old=told))["user"] == user, "as it began"
    assert container(status(pod, seen(state=EXITED), old=told))["user"] == user


def test_a_pod_that_failed_before_its_containers_were_there_shows_them_as_lost() -> None:
    found = status(typed_pod(), failure=Failure("DeadlineExceeded", ""), memory=Memory(failure=Failure("x", "")))
    assert found["phase"] == "Failed"
    assert container(found)["state"]["terminated"]["reason"] == "ContainerStatusUnknown"


def test_a_failed_init_container_leaves_those_after_it_waiting() -> None:
    pod = typed_pod(initContainers=[{"name": "init"}, {"name": "next"}], restartPolicy="Never")
    dead, waiting = seen("init", EXITED, 1), {"waiting": {"reason": "PodInitializing"}}
    found = status(pod, dead)
    pod.status.phase = "Failed"
    for sandbox in (True, False):
        found = status(pod, dead, old=found, sandbox=sandbox)
        assert found["initContainerStatuses"][1]["state"] == container(found)["state"] == waiting
        assert condition(found, "Initialized")[0] == "False" and found["phase"] == "Failed"


def test_the_instance_before_is_the_last_state() -> None:
    found = container(status(typed_pod(), seen(attempt=1), seen(state=EXITED, code=3)))
    assert found["lastState"]["terminated"]["exitCode"] == 3 and found["restartCount"] == 1


def test_a_back_off_moves_the_end_into_the_last_state() -> None:
    waiting = {"app": Waiting("CrashLoopBackOff", "back-off 10s")}
    found = container(status(typed_pod(), seen(state=EXITED, code=3), waiting=waiting))
    assert found["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert found["lastState"]["terminated"]["exitCode"] == 3


def leaving() -> Any:
    pod = typed_pod()
    pod.metadata.deletionTimestamp = NOW
    return pod


def test_what_the_engine_lost_is_told_as_unknown() -> None:
    old = status(typed_pod(), seen())
    gone = container(status(leaving(), old=old, sandbox=False))
    assert gone["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    lost = container(status(typed_pod(), old=old, sandbox=False))
    assert lost["state"]["waiting"]["reason"] == "ContainerCreating"
    assert lost["lastState"]["terminated"]["exitCode"] == 137


def test_an_end_that_the_api_knows_outlives_the_container() -> None:
    old = status(leaving(), seen(state=EXITED, code=143))
    found = status(leaving(), old=old, sandbox=False)
    assert container(found)["state"] == container(old)["state"] and found["phase"] == "Failed"


def test_delays_double_to_five_minutes_and_are_forgotten_after_ten_good_ones() -> None:
    delays = Delays()
    assert [delays.grow("a", NOW) for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    assert delays.grow("b", NOW) == 10
    later = NOW.replace(hour=13)
    assert delays.until("a", later) is None and delays.grow("a", later) == 10


def test_a_clock_turned_back_makes_no_wait_longer() -> None:
    memory = Memory()
    wanted = Wanted(wanted_of(typed_pod(), memory).ref, [Member("app", "")])
    memory.crashes.grow("app", NOW)
    future = seen(state=EXITED, code=1)
    earlier = NOW.replace(hour=1)
    until = memory.crashing(wanted, PodSeen(wanted.ref, [SANDBOX], [future]), earlier)["app"]
    assert (until - earlier).total_seconds() == 10


@pytest.mark.parametrize(("seconds", "expected"), [(10, "10s"), (80, "1m20s"), (300, "5m0s")])
def test_durations_are_spelled_as_go_does(seconds: float, expected: str) -> None:
    assert spell(seconds) == expected
