"""`podling status`: what runs, where it listens, and what it takes."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from podling.cli.report import Running
    from podling.state import State


def status(
    name: Annotated[str, typer.Option("--name", envvar="PODLING_NAME", help="This cluster alone.")] = "",
) -> None:
    """Every cluster of yours, its services and nodes. The exit code is 1 when one is not as it should be."""
    from podling.state import State, StateError, clusters

    try:
        found = [State(name)] if name else clusters()
        if name and not found[0].exists:
            raise StateError(f"there is no cluster {name}; `podling up --name {name}` makes it")
        if not found:
            print("There is no cluster yet; `podling up` makes one.")
        healthy = [_show(state) for state in found]
    except StateError as error:
        raise Refusal(str(error)) from None
    if not all(healthy):
        raise typer.Exit(1)


def _show(state: "State") -> bool:
    """True when it is stopped, or when all of it runs and is ready."""
    from rich.console import Console
    from rich.table import Table

    from podling import kubeconfig
    from podling.cli.probe import Probe
    from podling.cli.report import read_report
    from podling.cli.services import services

    cluster, console = state.load(), Console()
    server = f"https://127.0.0.1:{cluster.ports['apiserver']}"
    report = read_report(state)
    if not state.is_running or report is None:
        console.print(
            f"[bold]{state.name}[/bold]  stopped  (`podling up --name {state.name}` starts it)", highlight=False
        )
        return True
    console.print(
        f"[bold]{state.name}[/bold]  {server}  context {kubeconfig.context_name(state.name)}  pods {cluster.pod_cidr}",
        highlight=False,
        soft_wrap=True,
    )
    probe, healthy, total = Probe(state.pki), True, 0
    table = Table("service", "state", "pid", "age", "restarts", "memory", box=None, pad_edge=False)
    for service in services(cluster):
        running = report.services.get(service.name)
        if running is None:
            continue
        ready = running.pid != 0 and probe.is_ready(service.ready)
        pss = memory_bytes(running.pid) if running.pid else 0
        healthy, total = healthy and ready, total + pss
        table.add_row(service.name, *_cells(running, ready), f"{pss >> 20} MiB")
    own = memory_bytes(report.pid)
    table.add_row("supervisor", "running", str(report.pid), "", "", f"{own >> 20} MiB")
    table.add_row("", "", "", "", "", f"{(total + own) >> 20} MiB")
    console.print(table)
    nodes = probe.nodes(server)
    for node in cluster.nodes:
        is_ready = nodes.get(node.name, False)
        healthy = healthy and is_ready
        console.print(f"node {node.name}  {'Ready' if is_ready else 'NotReady'}  pods {node.pod_cidr}", highlight=False)
    return healthy


def _cells(running: "Running", ready: bool) -> tuple[str, str, str, str]:
    if not running.pid:
        return f"starting again ({running.last_end})", "", "", str(running.restarts)
    state = "ready" if ready else "not ready"
    return state, str(running.pid), age(time.time() - running.started), str(running.restarts)


def age(seconds: float) -> str:
    """As kubectl writes ages, coarsely: 59s, 12m, 5h, 3d."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(max(0, seconds))}s"


def memory_bytes(pid: int) -> int:
    """Proportional set size: shared pages are divided among those who share them. 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0
