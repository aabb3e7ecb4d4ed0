"""`supervisor.json`: what a supervisor tells of its services, for commands and for the next supervisor."""

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from podling.state import State


class Running(msgspec.Struct):
    """One service. `pid` 0: waiting to be started again. Times are Unix seconds.

    `born` is the kernel's start time of the process (clock ticks since boot), which tells it from a later one that got
    the same pid.
    """

    pid: int = 0
    born: int = 0
    started: float = 0.0
    restarts: int = 0
    last_end: str = ""


class Report(msgspec.Struct):
    pid: int
    born: int
    services: dict[str, Running]


def read_report(state: State) -> Report | None:
    """What the supervisor, living or dead, last wrote."""
    try:
        return msgspec.json.decode(state.supervisor_file.read_bytes(), type=Report)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def born(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot; None when it gone or a zombie. Source: proc(5), field 22."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def end(processes: Mapping[int, int | None], seconds: float) -> None:
    """SIGTERM to all (pid to `born`, None: whoever has the pid), SIGKILL to those still there after so many seconds.

    Returns when all are gone. They may be our children or not.
    """
    left = {pid: identity or born(pid) for pid, identity in processes.items()}
    deadline = time.monotonic() + seconds
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = {pid: identity for pid, identity in left.items() if identity and born(pid) == identity}
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while any(born(pid) == identity for pid, identity in left.items()):
            if number == signal.SIGTERM and time.monotonic() > deadline:
                break
            time.sleep(0.005)


def end_leftovers(state: State, seconds: float = 5.0) -> list[str]:
    """Services whose supervisor was killed have got SIGTERM from the kernel; see that they go. Their names."""
    report = read_report(state)
    left = {name: one for name, one in (report.services if report else {}).items() if one.pid}
    living = {name: one for name, one in left.items() if born(one.pid) == one.born}
    end({one.pid: one.born for one in living.values()}, seconds)
    return list(living)
