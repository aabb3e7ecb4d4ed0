"""Fewer nodes than before: what a dropped node leaves behind is taken away."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from podling.cli.report import read_report

if TYPE_CHECKING:
    from podling.cli.probe import Probe
    from podling.state import Cluster, State

STOP_SECONDS = 15.0


def remove_containers(state: "State", dropped: Iterable[str]) -> None:
    """Once the supervisor has stopped their kubelets, the containers of these nodes."""
    from kubelet.docker.cleanup import remove_node

    deadline = time.monotonic() + STOP_SECONDS
    for node in dropped:
        while (report := read_report(state)) and f"kubelet-{node}" in report.services and time.monotonic() < deadline:
            time.sleep(0.02)
        remove_node(state.name, node)


def forget_dropped(probe: "Probe", server: str, cluster: "Cluster") -> list[str]:
    """Delete the Node objects that no kubelet of ours stands for; the pods bound to them follow. Their names."""
    kept = {node.name for node in cluster.nodes}
    dropped = [name for name in probe.nodes(server) if name not in kept and is_ours(name)]
    for name in dropped:
        probe.ask("DELETE", f"{server}/api/v1/nodes/{name}")
    return dropped


def is_ours(name: str) -> bool:
    """`n1`, `n2`, …: those that `podling up` makes; others have joined by themselves."""
    return name.startswith("n") and name[1:].isdigit()
