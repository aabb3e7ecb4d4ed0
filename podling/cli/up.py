"""`podling up`: a cluster that is ready, whatever there was before."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podling.cli import apiserver_config
from podling.cli.apiserver_config import AuditLog, AuditPolicy, Encryption
from podling.cli.kubelet_config import keep
from podling.cli.logs import last_lines, rotate
from podling.cli.nodes import forget_dropped, remove_containers
from podling.cli.options import DEFAULT_NAME, EtcdServers, KubeletConfig, Manifests, Name, addresses
from podling.cli.progress import Progress
from podling.cli.readdress import readdress
from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from podling.state import Cluster, State

POLL_SECONDS = 0.02
TOO_MANY_RESTARTS = 4


def up(
    name: Name = DEFAULT_NAME,
    nodes: Annotated[int | None, typer.Option(min=1, max=200, help="So many nodes, each a kubelet.")] = None,
    etcd_servers: EtcdServers = None,
    *,
    kubelet_config: KubeletConfig = None,
    manifests: Manifests = None,
    audit_policy_file: AuditPolicy = None,
    audit_log_path: AuditLog = None,
    encryption_provider_config: Encryption = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until all is ready.")] = 60.0,
) -> None:
    """Start a cluster and wait until it is ready. A cluster that runs already stays as it is."""
    from podling.state import State, StateError, take_range

    stores = addresses(etcd_servers)
    try:
        state = State(name)
        with Progress() as progress:
            with state.locked():
                keep(state, kubelet_config, manifests)
                if (audit_policy_file, audit_log_path, encryption_provider_config) != (None, None, None):
                    apiserver_config.keep(state, audit_policy_file, audit_log_path, encryption_provider_config)
                if state.is_running:
                    cluster = change(state, nodes, stores)
                else:
                    held = take_range(state)
                    starter = Starter(state, held.socket)
                    try:
                        cluster = make(state, held.pod_cidr, nodes, stores, progress)
                        starter.go()
                    finally:
                        starter.release()
                path = publish(state, cluster)
            wait(state, cluster, progress, timeout)
            progress.say(f"{name} is up: kubectl uses context podling-{name} of {path}")
    except StateError as error:
        raise Refusal(str(error)) from None


def make(
    state: "State", pod_cidr: str, nodes: int | None, etcd_servers: tuple[str, ...] | None, progress: Progress
) -> "Cluster":
    """What the services find: an engine, ports, certificates."""
    from podling import pki
    from podling.cli import engine
    from podling.state import prepare

    engine.find_or_start(progress.say)
    cluster = prepare(state, pod_cidr, nodes, etcd_servers)
    pki.ensure(state.pki, [node.name for node in cluster.nodes], addresses=[cluster.api_address])
    return cluster


class Starter:
    """The supervisor, started early: it loads its modules while the state is prepared, and waits for `go`.

    It inherits the claim on the pods' range, and holds it as long as it lives.
    """

    def __init__(self, state: "State", claim: socket.socket) -> None:
        self._state, self._log, self._told = state, state.log("supervisor"), False
        state.logs.mkdir(parents=True, exist_ok=True)
        rotate(self._log)
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "podling.cli.supervisor", str(state.root), state.name],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                pass_fds=[claim.fileno()],
            )
        claim.close()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._told = True
        line = f"go {os.environ.get('DOCKER_HOST', '')}\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        while not self._state.is_running:
            if self._process.poll() is not None:
                raise Refusal(f"the supervisor ended at once{tail(self._log)}")
            time.sleep(POLL_SECONDS)

    def release(self) -> None:
        """Without `go` before, it ends: whoever comes next must not find its lock and take the cluster for running."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if not self._told:
            self._process.kill()
            self._process.wait()
        self._process.returncode = 0  # it outlives us: no warning about a child left behind


def change(state: "State", nodes: int | None, etcd_servers: tuple[str, ...] | None) -> "Cluster":
    """What can be changed while it runs: how many nodes."""
    import signal

    from podling import pki
    from podling.cli.report import read_report
    from podling.state import resize

    cluster = state.load()
    if etcd_servers is not None and etcd_servers != cluster.etcd_servers:
        raise Refusal(f"cluster {state.name} runs on another store; `podling down --name {state.name}` first")
    if nodes is not None and nodes != len(cluster.nodes):
        before = [node.name for node in cluster.nodes]
        cluster = resize(state, nodes)
        pki.ensure(state.pki, [node.name for node in cluster.nodes], addresses=[cluster.api_address])
        report = read_report(state)
        if report is not None:
            os.kill(report.pid, signal.SIGHUP)
            remove_containers(state, before[nodes:])
    return cluster


def publish(state: "State", cluster: "Cluster") -> str:
    """Into the cluster's own kubeconfig, and into the user's; the user's path."""
    from podling import kubeconfig

    server = f"https://127.0.0.1:{cluster.ports['apiserver']}"
    try:
        kubeconfig.merge(state.kubeconfig, state.name, server, state.pki)
        path = kubeconfig.default_path(kubeconfig.context_name(state.name))
        kubeconfig.merge(path, state.name, server, state.pki)
    except kubeconfig.KubeconfigError as error:
        raise Refusal(str(error)) from None
    return str(path)


def wait(state: "State", cluster: "Cluster", progress: Progress, timeout_seconds: float) -> None:
    """Until every service is ready and every node Ready; `Refusal` with the log of the one that is not."""
    from podling.cli.probe import Probe
    from podling.cli.services import services

    probe, deadline = Probe(state.pki), time.monotonic() + timeout_seconds
    server = f"https://127.0.0.1:{cluster.ports['apiserver']}"
    for service in services(cluster):
        progress.waiting(f"waiting for {service.name}")
        while not probe.is_ready(service.ready):
            check(state, service.name, deadline)
        progress.done(service.name)
    for name in readdress(probe, server, cluster):
        progress.done(f"node {name}", "has another range")
    for node in cluster.nodes:
        progress.waiting(f"waiting for node {node.name} to be Ready")
        while not probe.nodes(server).get(node.name, False):
            check(state, f"kubelet-{node.name}", deadline)
        progress.done(f"node {node.name}", "Ready")
    for name in forget_dropped(probe, server, cluster):
        progress.done(f"node {name}", "gone")


def check(state: "State", service: str, deadline: float) -> None:
    """Pause for a moment; `Refusal` when waiting longer is of no use."""
    from podling.cli.report import read_report

    report = read_report(state)
    running = report.services.get(service) if report else None
    if running is not None and running.restarts >= TOO_MANY_RESTARTS:
        reason = f"{service} does not stay up ({running.last_end})"
    elif not state.is_running:
        reason, service = "the supervisor ended", "supervisor"
    elif time.monotonic() > deadline:
        reason = f"{service} was not ready in time"
    else:
        time.sleep(POLL_SECONDS)
        return
    raise Refusal(
        f"{reason}{tail(state.log(service))}\n"
        f"It is being tried further: see `podling status --name {state.name}`, `podling logs {service} --name "
        f"{state.name}`; `podling down --name {state.name}` stops it."
    )


def tail(path: Path) -> str:
    lines = last_lines(path, 15)
    return f"; the end of {path}:\n" + "\n".join(f"    {line}" for line in lines) if lines else ""
