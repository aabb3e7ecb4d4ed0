"""Services are started in order, started again, and stopped; whoever dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from podling.cli.report import Report, born, end, read_report
from podling.cli.restarts import next_restart
from podling.state import State, prepare, resize

SUPERVISED = Path(__file__).parent / "supervised.py"
NAMES = ["apiserver", "controllers", "scheduler", "kubelet-n1"]
PATIENCE_SECONDS = 60


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


@contextmanager
def supervised(state: State) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, str(SUPERVISED), str(state.root), state.name]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.kill()


def seen(state: State) -> Report:
    found = read_report(state)
    assert found is not None
    return found


def all_run(state: State, names: list[str], but: Mapping[str, int] | None = None) -> bool:
    """Each in a process; `but` are the pids that an earlier supervisor's report may still show."""
    found, earlier = read_report(state), set((but or {}).values())
    running = {name: one.pid for name, one in found.services.items() if one.pid} if found else {}
    return list(running) == names and not set(running.values()) & earlier


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State("c1", tmp_path)
    prepare(made, "10.244.0.0/16")
    return made


def test_a_killed_service_is_back_at_once(state: State) -> None:
    with supervised(state):
        eventually(lambda: all_run(state, NAMES))
        before = seen(state).services["scheduler"]
        os.kill(before.pid, signal.SIGKILL)
        eventually(lambda: seen(state).services["scheduler"].pid not in (0, before.pid))
        after = seen(state).services
        assert after["scheduler"].restarts == 1
        assert after["scheduler"].last_end == "killed by SIGKILL"
        assert after["apiserver"].restarts == 0


def test_a_service_that_never_stays_is_tried_ever_more_slowly(tmp_path: Path) -> None:
    state = State("restless", tmp_path)
    prepare(state, "10.244.0.0/16")
    with supervised(state):
        eventually(lambda: state.supervisor_file.exists() and "scheduler" in seen(state).services)
        eventually(lambda: seen(state).services["scheduler"].restarts >= 3)
        assert seen(state).services["scheduler"].last_end == "exit code 3"
        eventually(lambda: all_run(state, ["apiserver", "controllers", "kubelet-n1"]))


def test_services_die_with_a_killed_supervisor_and_the_next_one_ends_who_refuses(tmp_path: Path) -> None:
    state = State("stubborn", tmp_path)
    prepare(state, "10.244.0.0/16")
    with supervised(state) as first:
        eventually(lambda: all_run(state, NAMES))
        pids = {name: one.pid for name, one in seen(state).services.items()}
        first.kill()
        eventually(lambda: all(born(pids[name]) is None for name in ("apiserver", "controllers", "scheduler")))
        assert born(pids["kubelet-n1"]) is not None  # it ignores SIGTERM
    assert not state.is_running
    with supervised(state):
        eventually(lambda: all_run(state, NAMES, but=pids))
        assert born(pids["kubelet-n1"]) is None


def test_asked_to_end_it_leaves_nothing_behind(state: State) -> None:
    with supervised(state) as process:
        eventually(lambda: all_run(state, NAMES))
        pids = [one.pid for one in seen(state).services.values()]
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert [pid for pid in pids if born(pid) is not None] == []
        assert seen(state).services == {}


def test_nodes_come_and_go_while_it_runs(state: State) -> None:
    with supervised(state) as process:
        eventually(lambda: all_run(state, NAMES))
        kept = seen(state).services["apiserver"].pid
        resize(state, 3)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: all_run(state, [*NAMES, "kubelet-n2", "kubelet-n3"]))
        resize(state, 1)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: all_run(state, NAMES))
        assert seen(state).services["apiserver"].pid == kept


def test_restarts_are_quick_at_first_and_forgiven_after_a_while() -> None:
    ends, delays = 0, []
    for _ in range(9):
        after_seconds, ends = next_restart(ends, lived_seconds=1)
        delays.append(after_seconds)
    assert delays == [0.1, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert next_restart(ends, lived_seconds=61) == (0.1, 1)


def test_a_process_with_a_reused_pid_is_not_ours() -> None:
    assert born(os.getpid()) == born(os.getpid())
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        assert born(sleeper.pid) is not None
        end({sleeper.pid: (born(sleeper.pid) or 0) + 1}, seconds=0)
        assert born(sleeper.pid) is not None
        end({sleeper.pid: None}, seconds=5)
        assert born(sleeper.pid) is None  # a zombie until we wait for it
