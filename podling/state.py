"""What a cluster keeps between starts: `$XDG_STATE_HOME/podling/<name>/`.

    cluster.json          name, ports, pod range, nodes; written whole, under `../.<name>.lock`
    pki/                  certificates and keys (podling.pki)
    store/                every object
    kubelet/<node>/       volumes and logs of a node's pods
    kubelet.yaml          the KubeletConfiguration of all nodes, where one was given
    audit-policy.yaml     what the API server's audit log tells, where one was given; audit-log-path: where
    encryption.yaml       the EncryptionConfiguration, where one was given
    manifests/<node>/     a node's static pods, where that configuration names no other folder
    logs/<service>.log
    kubeconfig            a kubeconfig with this cluster alone
    supervisor.json       the running services, as the supervisor last saw them
    supervisor.lock       held for the supervisor's life

Ports and ranges are chosen free at first and kept; a kept port that somebody else has taken meanwhile is chosen anew.
"""

import contextlib
import os
import random
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from podling.files import Locked, is_locked, lock, write_atomically
from podling.podrange import POD_RANGES, Claim, RangeTaken, api_address, node_cidr, take

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
PORTS = range(20000, 30000)  # below the ports that Linux gives to outgoing connections, and below node ports
PORT_NAMES = (
    "apiserver",
    "apiserver-grpc",
    "etcd",
    "scheduler-grpc",
    "scheduler-http",
    "controllers-grpc",
    "controllers-http",
    "store-http",
)


class StateError(Exception):
    """The state directory cannot be used; the message says why and what to do."""


class Node(msgspec.Struct, frozen=True):
    """One kubelet: its gRPC port, its port for health and metrics, and the range its pods' addresses come from."""

    name: str
    grpc_port: int
    http_port: int
    pod_cidr: str


class Cluster(msgspec.Struct, frozen=True):
    """`cluster.json`. `ports` has one for each of PORT_NAMES: "apiserver" is HTTPS, "etcd" the store's gRPC."""

    name: str
    ports: Mapping[str, int]
    pod_cidr: str
    nodes: tuple[Node, ...]
    etcd_servers: tuple[str, ...] = ()

    @property
    def api_address(self) -> str:
        """Where pods reach the API server."""
        return api_address(self.pod_cidr)


class State:
    """The paths of one cluster. `State("c1").folder` need not exist yet."""

    def __init__(self, name: str, root: Path | None = None) -> None:
        if not NAME.fullmatch(name):
            raise StateError(
                f'"{name}" cannot be a cluster\'s name: lower case letters, digits and "-", '
                "beginning and ending with a letter or digit, 40 at most"
            )
        self.name = name
        self.root = root or state_root()
        self.folder = self.root / name
        self.cluster_file = self.folder / "cluster.json"
        self.pki = self.folder / "pki"
        self.store = self.folder / "store"
        self.logs = self.folder / "logs"
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubelet_config = self.folder / "kubelet.yaml"
        self.audit_policy, self.encryption = self.folder / "audit-policy.yaml", self.folder / "encryption.yaml"
        self.audit_log_path = self.folder / "audit-log-path"
        self.supervisor_file = self.folder / "supervisor.json"
        self.supervisor_lock = self.folder / "supervisor.lock"

    def kubelet(self, node: str) -> Path:
        return self.folder / "kubelet" / node

    def manifests(self, node: str) -> Path:
        return self.folder / "manifests" / node

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    @property
    def exists(self) -> bool:
        return self.cluster_file.exists()

    @property
    def is_running(self) -> bool:
        """A supervisor lives. Its services may not be ready yet."""
        return is_locked(self.supervisor_lock)

    @contextlib.contextmanager
    def locked(self, timeout_seconds: float = 60) -> Iterator[None]:
        """One command changes a cluster at a time. The lock stands beside the folder, which `--delete` removes."""
        try:
            with lock(self.root / f".{self.name}.lock", timeout_seconds):
                yield
        except Locked:
            raise StateError(f"another podling command is working on cluster {self.name}; try again") from None
        except OSError as error:
            raise StateError(f"the state directory {self.root} cannot be used: {error.strerror}") from error

    def load(self) -> Cluster:
        try:
            return msgspec.json.decode(self.cluster_file.read_bytes(), type=Cluster)
        except FileNotFoundError:
            raise StateError(f"there is no cluster {self.name}; `podling up --name {self.name}` makes it") from None
        except msgspec.MsgspecError as error:
            raise StateError(
                f"{self.cluster_file} is damaged ({error}); mend it, or remove it and run `podling up` again: "
                "the cluster's objects are in store/ and stay"
            ) from None

    def save(self, cluster: Cluster) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self.cluster_file, msgspec.json.format(msgspec.json.encode(cluster)) + b"\n", mode=0o600)


def state_root() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(base) / "podling"


def clusters(root: Path | None = None) -> list[State]:
    """Every cluster that has been started here and not been deleted."""
    root = root or state_root()
    found = (State(path.parent.name, root) for path in root.glob("*/cluster.json") if NAME.fullmatch(path.parent.name))
    return sorted(found, key=lambda state: state.name)


def take_range(state: State) -> Claim:
    """The pods' range for the next start, claimed; the socket is the caller's to close, or to hand on."""
    kept = state.load().pod_cidr if state.exists else None
    try:
        return take(kept, [other.pod_cidr for other in _others(state)])
    except RangeTaken as error:
        raise StateError(f"{error}; `podling down --delete` clusters that you do not need") from None


def prepare(
    state: State, pod_cidr: str, nodes: int | None = None, etcd_servers: Iterable[str] | None = None
) -> Cluster:
    """The cluster as it shall run next: what was kept, with what was asked for now, and ports that are free.

    Call it under `state.locked()` while no supervisor runs. `nodes` None keeps the number there is (1 at first). Ports
    belong to the range: whoever has the old range now is about to listen on them.
    """
    before = state.load() if state.exists else None
    count = nodes if nodes is not None else len(before.nodes) if before else 1
    kept = before if before and before.pod_cidr == pod_cidr else None
    kept_ports, kept_nodes = (kept.ports, kept.nodes) if kept else ({}, ())
    ports = _Ports(pod_cidr, [port for other in _others(state) for port in _ports_of(other)], _ports_of(kept))
    kept_servers = before.etcd_servers if before else ()
    cluster = Cluster(
        name=state.name,
        ports={name: ports.keep_or_choose(kept_ports.get(name)) for name in PORT_NAMES},
        pod_cidr=pod_cidr,
        nodes=_nodes(kept_nodes, count, pod_cidr, ports.keep_or_choose),
        etcd_servers=tuple(etcd_servers) if etcd_servers is not None else kept_servers,
    )
    if cluster != before:
        state.save(cluster)
    return cluster


def resize(state: State, nodes: int) -> Cluster:
    """The running cluster with so many nodes; those there are keep their names and ports."""
    before = state.load()
    ports = _Ports(before.pod_cidr, (port for other in [*_others(state), before] for port in _ports_of(other)))
    made = _nodes(before.nodes, nodes, before.pod_cidr, lambda port: port or ports.keep_or_choose(None))
    cluster = msgspec.structs.replace(before, nodes=made)
    if cluster != before:
        state.save(cluster)
    return cluster


def _nodes(kept: Sequence[Node], count: int, pod_cidr: str, port: Callable[[int | None], int]) -> tuple[Node, ...]:
    made = []
    for index in range(count):
        before = kept[index] if index < len(kept) else None
        made.append(
            Node(
                name=f"n{index + 1}",
                grpc_port=port(before.grpc_port if before else None),
                http_port=port(before.http_port if before else None),
                pod_cidr=node_cidr(pod_cidr, index),
            )
        )
    return tuple(made)


def _ports_of(cluster: Cluster | None) -> list[int]:
    if cluster is None:
        return []
    return [*cluster.ports.values(), *(port for node in cluster.nodes for port in (node.grpc_port, node.http_port))]


def _others(state: State) -> list[Cluster]:
    found = []
    for other in clusters(state.root):
        if other.name != state.name:
            with contextlib.suppress(StateError):
                found.append(other.load())
    return found


class _Ports:
    """Hands out ports that nobody listens on and no cluster has; each once.

    Those of the range's own block come first, but for the `kept`, which will be asked for: clusters that start at the
    same moment have different ranges.
    """

    def __init__(self, pod_cidr: str, taken: Iterable[int], kept: Sequence[int] = ()) -> None:
        self._taken = set(taken)
        size = len(PORTS) // len(POD_RANGES)
        first = POD_RANGES.index(pod_cidr) * size if pod_cidr in POD_RANGES else 0
        self._block = (port for port in PORTS[first : first + size] if port not in kept)

    def keep_or_choose(self, port: int | None) -> int:
        tries = 0
        while port is None or port in self._taken or not _is_free(port):
            if tries == 1000:
                raise StateError(f"no free port found between {PORTS.start} and {PORTS.stop - 1}")
            port, tries = next(self._block, 0) or random.choice(PORTS), tries + 1
        self._taken.add(port)
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
