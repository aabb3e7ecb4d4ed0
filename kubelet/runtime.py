"""The one seam between the kubelet's decisions and whatever runs containers.

`kubelet.docker.runtime.DockerRuntime` is the real one, `kubelet.fake.FakeRuntime` one in memory;
`tests/contracts/test_runtime.py` runs over both. A pod on the runtime is one sandbox (the pause container, which holds
the network, IPC and UTS namespaces) and its members. The runtime remembers nothing itself: everything is read back
from the engine by labels, so that a kubelet killed anywhere finds its pods again. Every verb is idempotent: starting
what exists adopts it, removing what is gone succeeds.

Errors:
    RuntimeUnavailable    the engine is away; try again later
    ImageError            the image cannot be had; `reason` is what kubectl shows (ErrImagePull, ErrImageNeverPull,
                          InvalidImageName)
    ContainerError        the engine refused; `reason` is what kubectl shows (CreateContainerError, RunContainerError,
                          CreatePodSandboxError)
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol

from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.process_user import ProcessUser
from podling.api.host_ports import HostPort


class RuntimeUnavailable(Exception):
    """The engine does not answer."""


class ImageError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class ContainerError(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class State(Enum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


class PodRef(NamedTuple):
    uid: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """A member as the engine shows it. `id` is the full hex id; `attempt` counts from 0; `exit_code` means something
    when EXITED."""

    id: str
    name: str
    attempt: int
    state: State
    image: str  # as the pod wrote it
    image_id: str  # "docker-pullable://name@sha256:…" or "docker://sha256:…"
    spec_hash: str
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""  # why the engine could not start it: "exec: \"nope\": executable file not found in $PATH"
    termination_message: str = ""
    sandbox_id: str = ""  # whose namespaces it joined: a member of a dead sandbox is not a member of the next one
    limits: Limits = field(default_factory=Limits)  # as they are now
    user: ProcessUser | None = None  # of its first process while it runs, where the engine's machine is ours


@dataclass(frozen=True, slots=True)
class SandboxSeen:
    """`ready`: running, with its network complete. A pod may own dead sandboxes for a moment; `attempt` tells them
    apart."""

    id: str
    attempt: int
    ready: bool
    ip: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PodSeen:
    """Everything of one pod on the engine, running or not, newest attempt first."""

    ref: PodRef
    sandboxes: Sequence[SandboxSeen] = ()
    containers: Sequence[ContainerSeen] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` is a path on the engine's host; or, with `of_image`, an image, and `sub_path` the part of it.
    `recursive_read_only`: what is mounted below it is read-only, too."""

    source: str
    target: str
    read_only: bool = False
    propagation: str = "rprivate"
    recursive_read_only: bool = False
    of_image: bool = False
    sub_path: str = ""


@dataclass(frozen=True, slots=True)
class SandboxWanted:
    ref: PodRef
    attempt: int
    hostname: str  # "" is the host's
    names: Sequence[str] = ()  # behind the pod's address in /etc/hosts
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    host_aliases: Sequence[tuple[str, Sequence[str]]] = ()  # IP and names
    nameservers: Sequence[str] = ()
    searches: Sequence[str] = ()
    dns_options: Sequence[str] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[HostPort] = ()  # of the node, that lead to the pod
    runtime: str = ""  # the handler of the pod's RuntimeClass; "" is the engine's default
    labels: Mapping[str, str] = field(default_factory=dict)  # the pod's own
    limits: PodLimits = field(default_factory=PodLimits)


@dataclass(frozen=True, slots=True)
class Security:
    """As whom a container runs and what it may do. Profiles: "unconfined", "runtime/default", or "localhost/<name>" for
    one that the node keeps; "" is the engine's own."""

    user: str = ""  # "uid[:gid]"; "" is the image's
    groups: Sequence[int] = ()
    strict_groups: bool = False  # none but those, whatever the image's /etc/group says
    privileged: bool = False
    read_only_root: bool = False
    add_capabilities: Sequence[str] = ()
    drop_capabilities: Sequence[str] = ()
    no_new_privileges: bool = False
    seccomp: str = "unconfined"
    app_armor: str = ""
    selinux: Sequence[str] = ()  # user:…, role:…, type:…, level:…
    unmasked_proc: bool = False


@dataclass(frozen=True, slots=True)
class ContainerWanted:
    """A member, with everything resolved: environment expanded, volumes on disk, image present."""

    ref: PodRef
    name: str
    attempt: int
    image: str
    command: Sequence[str] = ()  # () is the image's entrypoint
    args: Sequence[str] = ()  # () is the image's command
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    mounts: Sequence[Mount] = ()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    security: Security = field(default_factory=Security)
    limits: Limits = field(default_factory=Limits)
    oom_score_adjust: int = 0
    stop_signal: str = ""
    spec_hash: str = ""
    init: bool = False
    termination_message_path: str = "/dev/termination-log"
    processes_of: str = ""  # the id of a running member, whose process namespace it joins
    fallback_to_logs: bool = False  # FallbackToLogsOnError: the log's end stands in for an empty message


class Engine(NamedTuple):
    """What the engine tells of its machine, for the Node object."""

    version: str
    kernel: str
    os_image: str
    architecture: str
    cpus: int
    memory_bytes: int
    disk_bytes: int
    machine_id: str
    images: Sequence[tuple[Sequence[str], int]] = ()  # names, size in bytes
    security: frozenset[str] = frozenset()  # seccomp, apparmor, selinux, …: what the engine can enforce
    runtimes: frozenset[str] = frozenset({"runc"})  # handlers that a RuntimeClass may name
    recursive_read_only: bool = False  # whether it can mount so
    huge_pages: Sequence[tuple[str, int]] = ()  # resource names and bytes, of each size of page
    root: str = ""  # the folder of its images and containers, which may be on another machine


class ImageSeen(NamedTuple):
    """`user` is the image's default user, for runAsNonRoot."""

    id: str
    user: str
    size_bytes: int = 0


class Runtime(Protocol):
    async def engine(self) -> Engine: ...

    async def pods(self) -> Mapping[str, PodSeen]:
        """Every pod of this node on the engine, by uid: half-made, running or dead."""

    async def pod(self, uid: str) -> PodSeen | None: ...

    def changes(self) -> AsyncIterator[str]:
        """The uid of a pod whose containers changed; "" means anything may have (the stream was cut: look at all)."""

    async def start_sandbox(self, wanted: SandboxWanted) -> SandboxSeen:
        """Complete, network included, or not there at all."""

    async def start_container(self, sandbox_id: str, wanted: ContainerWanted) -> str:
        """Create and start a member in the sandbox's namespaces; its id."""

    async def stop_container(self, id: str, grace_seconds: int) -> None:
        """SIGTERM (or the stop signal), then SIGKILL after the grace period; returns when it has ended."""

    async def limit_container(self, id: str, limits: Limits) -> None:
        """Of one that runs, from now on; 0 stays as it is. `ContainerError` where it uses more memory than that."""

    async def limit_pod(self, uid: str, limits: PodLimits) -> None:
        """Of all its containers together. `ContainerError` where they use more memory than that."""

    async def remove_container(self, id: str) -> None: ...

    async def remove_sandbox(self, uid: str, sandbox_id: str) -> None:
        """The pause container, its network and its files; members that run are removed with it, dead ones stay."""

    async def close(self) -> None: ...
