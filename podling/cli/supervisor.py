"""The process that `podling up` leaves behind: it starts the services, starts again what dies, and stops them in order.

    SIGTERM, SIGINT   stop every service, last started first, and end
    SIGHUP            read cluster.json again: start services that are new, stop those that are gone
    SIGCHLD           a service ended: start it again after a pause (podling.cli.restarts)

It has one thread and no event loop, because it forks: signals are waited for, nothing is polled. What it knows stands
in `supervisor.json` for `podling status` and for the next supervisor, which ends what an earlier one left behind.
Containers are not its children: they never notice.
"""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from podling.cli import process
from podling.cli.logs import rotate
from podling.cli.report import Report, Running, born, end, end_leftovers
from podling.cli.restarts import next_restart
from podling.cli.services import API_SERVER, Service, load, services
from podling.files import try_lock, write_atomically
from podling.state import Cluster, State

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TICK_SECONDS = 60.0
STOP_SECONDS = 8.0

Launch = Callable[[Service, State, Cluster], int]
log = logging.getLogger(__name__)


class _Child:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.running = Running()
        self.ends = 0
        self.due = 0.0  # monotonic seconds: start it then, while pid is 0


class Supervisor:
    def __init__(self, state: State, launch: Launch) -> None:
        self._state, self._launch = state, launch
        self._cluster = state.load()
        self._children: dict[str, _Child] = {}
        self._stopping = False

    def run(self) -> None:
        """Until SIGTERM. The caller has blocked SIGNALS and holds the supervisor's lock."""
        self._reconfigure()
        while not self._stopping:
            self._start_due()
            received = signal.sigtimedwait(SIGNALS, self._seconds_to_next())
            self._reap()
            if received is None:
                for name in self._children:
                    rotate(self._state.log(name))
            elif received.si_signo == signal.SIGHUP:
                self._reconfigure()
            elif received.si_signo in (signal.SIGTERM, signal.SIGINT):
                self._stopping = True
        self._stop(list(self._children))

    def _reconfigure(self) -> None:
        self._cluster = self._state.load()
        wanted = {service.name: service for service in services(self._cluster)}
        self._stop([name for name in self._children if name not in wanted])
        self._children = {name: self._children.get(name) or _Child(service) for name, service in wanted.items()}
        log.info("cluster configured services=%s", ",".join(wanted))

    def _start_due(self) -> None:
        for name, child in self._children.items():
            if child.running.pid == 0 and child.due <= time.monotonic():
                pid = self._launch(child.service, self._state, self._cluster)
                child.running = msgspec.structs.replace(
                    child.running, pid=pid, born=born(pid) or 0, started=time.time()
                )
                log.info("service started service=%s pid=%d", name, pid)
                self._report()

    def _seconds_to_next(self) -> float:
        waiting = [child.due for child in self._children.values() if child.running.pid == 0]
        return max(0.0, min([due - time.monotonic() for due in waiting], default=TICK_SECONDS))

    def _reap(self) -> None:
        """Every child that has ended, ours or an orphan of theirs. One SIGCHLD may stand for several ends."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, child in self._children.items():
                if child.running.pid == pid:
                    self._ended(name, child, status)

    def _ended(self, name: str, child: _Child, status: int) -> None:
        how, lived_seconds = describe(status), time.time() - child.running.started
        after_seconds, child.ends = next_restart(child.ends, lived_seconds)
        child.due = time.monotonic() + after_seconds
        child.running = Running(restarts=child.running.restarts + 1, last_end=how)
        if not self._stopping:
            log.warning(
                "service ended service=%s how=%s restart_seconds=%.1f", name, how.replace(" ", "-"), after_seconds
            )
        self._report()

    def _stop(self, names: Sequence[str]) -> None:
        """The last stage first: the API server outlives whoever writes to it."""
        children = [self._children.pop(name) for name in names]
        for stage in sorted({child.service.stage for child in children}, reverse=True):
            ended = [child for child in children if child.service.stage == stage]
            end({child.running.pid: child.running.born for child in ended if child.running.pid}, STOP_SECONDS)
            log.info("services stopped services=%s", ",".join(child.service.name for child in ended))
        self._report()

    def _report(self) -> None:
        report = Report(
            os.getpid(), born(os.getpid()) or 0, {name: child.running for name, child in self._children.items()}
        )
        write_atomically(self._state.supervisor_file, msgspec.json.encode(report), mode=0o600)


def describe(status: int) -> str:
    """How a process ended, from wait's status: "exit code 1", "killed by SIGKILL"."""
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def main() -> None:
    """`python -m podling.cli.supervisor ROOT NAME`, detached by `podling up`.

    It loads the API server while `up` prepares the state, and goes on when `up` writes "go" and the
    engine's address to its standard input; when that ends without, it ends too.
    """
    state = State(sys.argv[2], Path(sys.argv[1]))
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    process.name_process("podling")
    if (held := try_lock(state.supervisor_lock)) is None:
        sys.exit(f"cluster {state.name} has a supervisor already")
    gc.disable()  # until the first fork: what is loaded stays
    load(API_SERVER)
    from podling.loop.service import configure_logging

    configure_logging()
    word, _, engine = sys.stdin.readline().strip().partition(" ")
    if word != "go":
        sys.exit("podling up ended before the cluster was prepared")
    if engine:
        os.environ["DOCKER_HOST"] = engine
    for name in end_leftovers(state):
        log.warning("service left behind by an earlier supervisor ended service=%s", name)
    launch: Launch = process.spawn if os.environ.get("PODLING_START") == "spawn" else process.fork
    log.info("supervisor started cluster=%s pid=%d", state.name, os.getpid())
    Supervisor(state, launch).run()
    state.supervisor_file.unlink(missing_ok=True)
    os.close(held)
    log.info("supervisor ended cluster=%s", state.name)


if __name__ == "__main__":
    main()
