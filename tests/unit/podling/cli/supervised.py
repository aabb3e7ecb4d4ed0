"""A supervisor over services that only sleep: `supervised.py ROOT NAME`. A process of its own, because it forks."""

import os
import signal
import sys
import time
from pathlib import Path

from podling.cli import process
from podling.cli.report import end_leftovers
from podling.cli.services import Service
from podling.cli.supervisor import SIGNALS, Supervisor
from podling.files import try_lock
from podling.state import Cluster, State


def launch(service: Service, state: State, cluster: Cluster) -> int:
    """The scheduler of the cluster "restless" ends at once, the first kubelet of "stubborn" ignores SIGTERM."""
    parent, pid = os.getpid(), os.fork()
    if pid:
        return pid
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    once = state.folder / "stubborn"
    if cluster.name == "stubborn" and service.node and not once.exists():
        once.touch()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.closerange(3, process.MOST_DESCRIPTORS)
    process.end_with(parent)
    process.redirect(state.log(service.name))
    if cluster.name == "restless" and service.name == "scheduler":
        os._exit(3)
    while True:
        time.sleep(60)


state = State(sys.argv[2], Path(sys.argv[1]))
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
held = try_lock(state.supervisor_lock)
end_leftovers(state, seconds=0.2)
Supervisor(state, launch).run()
