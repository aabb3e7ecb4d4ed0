"""The orderly end of a cluster's pods before `podling down`, where they were given time (shutdownGracePeriod).

Each kubelet is told by SIGPWR that the power goes, and says at /readyz when its pods have ended.
"""

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from podling.cli.progress import Progress

if TYPE_CHECKING:
    from podling.state import State

MARGIN_SECONDS = 5.0  # beyond what the pods have
POLL_SECONDS = 0.05


def end_pods(state: "State", progress: Progress) -> None:
    """Returns when all pods have ended, or had their time; at once where they have none."""
    from kubelet.node.shutdown import total
    from podling.cli import kubelet_config

    running = _kubelets(state)
    most = max((total(kubelet_config.read(state, node)) for node in running), default=0)
    if not most:
        return
    progress.waiting(f"ending the pods, {most} s at most")
    for pid in running.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGPWR)
    deadline = time.monotonic() + most + MARGIN_SECONDS
    while running and time.monotonic() < deadline:
        running = {node: pid for node, pid in running.items() if not _has_shut_down(state, node)}
        time.sleep(POLL_SECONDS)
    progress.done("pods", "ended" if not running else "outlived their time")


def _kubelets(state: "State") -> Mapping[str, int]:
    """Those that run, by node."""
    from podling.cli.report import born, read_report

    report = read_report(state) if state.is_running else None
    services = report.services if report else {}
    return {
        name.removeprefix("kubelet-"): one.pid
        for name, one in services.items()
        if name.startswith("kubelet-") and one.pid and born(one.pid) == one.born
    }


def _has_shut_down(state: "State", node: str) -> bool:
    from kubelet.node.shutdown import SHUT_DOWN
    from podling.cli.probe import Probe

    port = next((each.http_port for each in state.load().nodes if each.name == node), None)
    answer = Probe(state.pki).get(f"http://127.0.0.1:{port}/readyz") if port else None
    return answer is None or SHUT_DOWN.encode() in answer.body
