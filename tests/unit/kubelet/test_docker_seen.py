from datetime import UTC, datetime
from typing import Any

import pytest

from kubelet.docker import spec
from kubelet.docker.facts import facts_of
from kubelet.docker.seen import container_seen, decoded_error
from kubelet.runtime import PodRef, State

LABELS = spec.pod_labels(PodRef("u1", "default", "web"), "app", 1)


def state(**changes: Any) -> dict[str, Any]:
    labels = {**LABELS, spec.IMAGE: "nginx:1.27", spec.SPEC_HASH: "h", spec.SANDBOX: "abc"}
    base = {
        "Status": "exited",
        "StartedAt": "2026-11-22T11:00:00.5Z",
        "FinishedAt": "2026-11-22T11:00:01.123456789Z",
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
    }
    seen = {"Id": "m1", "Created": "2026-11-22T11:00:00Z", "Config": {"Labels": labels}, "HostConfig": {}}
    return {**seen, "State": base | changes}


def test_what_has_ended_is_seen_with_all_that_its_labels_say() -> None:
    seen = container_seen(state(ExitCode=3), "docker://x", "bye")
    assert (seen.name, seen.attempt, seen.image, seen.spec_hash, seen.sandbox_id) == (
        "app",
        1,
        "nginx:1.27",
        "h",
        "abc",
    )
    assert (seen.state, seen.exit_code, seen.termination_message) == (State.EXITED, 3, "bye")
    assert seen.finished_at == datetime(2026, 11, 22, 11, 0, 1, 123456, tzinfo=UTC)


def test_an_end_before_the_beginning_is_the_beginning() -> None:
    seen = container_seen(state(FinishedAt="2026-11-22T11:00:00.4Z"), "", "")
    assert seen.finished_at == seen.started_at


def test_what_could_not_be_started_stays_created_with_the_reason_and_128() -> None:
    error = 'failed to create shim task: OCI runtime create failed: exec: "nope": not found: unknown'
    never = "0001-01-01T00:00:00Z"
    seen = container_seen(state(Status="created", StartedAt=never, FinishedAt=never, Error=error), "", "")
    assert (seen.state, seen.exit_code, seen.started_at) == (State.CREATED, 128, None)
    assert seen.error == f"failed to create containerd task: {error}"


def test_what_runs_has_no_end_though_the_engine_shows_an_old_one() -> None:
    assert container_seen(state(Status="running"), "", "").finished_at is None


def test_an_answer_of_error_is_its_message() -> None:
    assert decoded_error('{"message": "no"}') == "no"
    assert decoded_error("plain\n") == "plain"


@pytest.mark.parametrize(
    ("options", "bounding", "lowest"),
    [
        (["name=seccomp,profile=default"], "000001ffffffffff", -1000),
        (["name=seccomp,profile=default"], "000001fffeffffff", 0),
        (["name=seccomp,profile=default", "name=rootless"], "000001ffffffffff", 0),
        (["seccomp"], "", -1000),
    ],
)
def test_scores_below_zero_take_a_capability(options: list[str], bounding: str, lowest: int) -> None:
    status = f"Name:\tpython\nCapBnd:\t{bounding}\n" if bounding else ""
    facts = facts_of({"SecurityOptions": options, "CgroupVersion": "2"}, "1.47", status)
    assert facts.lowest_oom_score == lowest
    assert "seccomp" in facts.security and facts.cgroup_version == 2 and facts.api_version == (1, 47)
