"""What kubectl logs, exec, attach and port-forward ask of a node: the seam between the gRPC server and the engine.

Errors of every method, before the first piece of output:
    NoSuchContainer       the pod or container is not on this node
    NotRunning            it is, but does not run, or has not started yet; the message is what kubectl prints
    StreamFailed          the engine refused, or nobody listens on the port
    RuntimeUnavailable    the engine is away
"""

import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class NoSuchContainer(Exception):
    pass


class NotRunning(Exception):
    pass


class StreamFailed(Exception):
    pass


class Target(NamedTuple):
    """`uid` is "" where the caller does not know it; `container` is "" where the pod itself is meant."""

    namespace: str
    pod: str
    uid: str
    container: str


@dataclass(frozen=True)
class LogOptions:
    """`since` is a moment in seconds since 1970 with its decimals as text, "" is the beginning."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: str = ""
    stdout: bool = True
    stderr: bool = True


@dataclass(frozen=True)
class Wants:
    """Which streams of a command or a container are wanted."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


class Output(NamedTuple):
    data: bytes
    is_error: bool  # standard error


class Session(Protocol):
    """A command that runs, or a container that is attached to. Ends with `close`, whatever happened."""

    def output(self) -> AsyncIterator[Output]:
        """Until it ends. Reading slowly holds the command back."""

    async def write(self, data: bytes) -> None:
        """To standard input; returns when the command keeps up."""

    def close_input(self) -> None: ...

    async def resize(self, width: int, height: int) -> None: ...

    async def exit_code(self) -> int:
        """After the output has ended. Of an attached container 0: its pod's status tells the real one."""

    def close(self) -> None: ...


class Streams(Protocol):
    async def logs(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]: ...

    async def exec(self, target: Target, command: Sequence[str], wants: Wants) -> Session: ...

    async def attach(self, target: Target, wants: Wants) -> Session: ...

    async def dial(self, target: Target, port: int) -> socket.socket:
        """A connection to the port on the pod's own localhost, non-blocking."""
