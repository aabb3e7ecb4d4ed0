"""Logs, exec, attach and port-forward on the engine: `kubelet.streams` says what each promises."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from kubelet.docker.engine import EngineRefused
from kubelet.docker.logs import DockerLogs, Statuses
from kubelet.docker.runtime import DockerRuntime
from kubelet.docker.seen import labels_of
from kubelet.docker.session import AttachSession, ExecSession
from kubelet.docker.spec import CONTAINER_NAME, IP, PAUSE, POD_NAME, POD_NAMESPACE, POD_UID, label_filter
from kubelet.docker.stream import EngineStream, open_stream
from kubelet.network.namespace import NamespaceGone, dial
from kubelet.streams import LogOptions, NoSuchContainer, NotRunning, Session, StreamFailed, Target, Wants

CONNECT_SECONDS = 10.0


class DockerStreams:
    def __init__(self, runtime: DockerRuntime, statuses: Statuses, log_files: bool = True) -> None:
        self._runtime, self._connection = runtime, runtime.connection
        self._logs = DockerLogs(runtime.connection, statuses, log_files)

    async def logs(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]:
        return await self._logs.open(target, options)

    async def exec(self, target: Target, command: Sequence[str], wants: Wants) -> Session:
        container = await self._running(target)

        def create() -> str:
            client = self._connection.client()
            made = client.exec_create(
                container, list(command), wants.stdout, wants.stderr, stdin=wants.stdin, tty=wants.tty
            )
            return str(made["Id"])

        id = await self._ask(create)
        body = {"Detach": False, "Tty": wants.tty}
        stream = await self._open("POST", f"/exec/{id}/start", {}, body=body, upgrade=True, framed=not wants.tty)
        return ExecSession(self._connection, stream, id)

    async def attach(self, target: Target, wants: Wants) -> Session:
        container = await self._running(target)
        streams = {"stdin": wants.stdin, "stdout": wants.stdout, "stderr": wants.stderr}
        asked = {"stream": "1", **{name: "1" for name, wanted in streams.items() if wanted}}
        framed = not await self._has_terminal(container)
        stream = await self._open("POST", f"/containers/{container}/attach", asked, upgrade=True, framed=framed)
        return AttachSession(self._connection, stream, container)

    async def dial(self, target: Target, port: int) -> socket.socket:
        id = await self._running(target._replace(container=PAUSE), f'pod not found ("{target.pod}_{target.namespace}")')
        try:
            pause = await self._ask(lambda: self._connection.client().inspect_container(id))
            connection = await asyncio.to_thread(_dial, pause["State"]["Pid"], labels_of(pause).get(IP, ""), port)
        except (OSError, NamespaceGone) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            words = f'failed to connect to localhost:{port} inside namespace "{id}"'
            raise StreamFailed(f"{words}, IPv4: dial tcp4 127.0.0.1:{port}: connect: {why}") from error
        connection.setblocking(False)
        return connection

    async def _running(self, target: Target, otherwise: str = "") -> str:
        """The container's id; `otherwise` is what is said where none runs. One question to the engine: probes come by
        here each second."""
        labels = {
            **self._runtime.owner,
            POD_NAMESPACE: target.namespace,
            POD_NAME: target.pod,
            CONTAINER_NAME: target.container,
            **({POD_UID: target.uid} if target.uid else {}),
        }
        filters = {**label_filter(labels), "status": ["running", "paused"]}
        found = await self._ask(lambda: self._connection.client().containers(filters=filters))
        if not found:
            raise NoSuchContainer(otherwise or f'container not found ("{target.container}")')
        return str(max(found, key=lambda each: int(each["Created"]))["Id"])

    async def _has_terminal(self, id: str) -> bool:
        inspected = await self._ask(lambda: self._connection.client().inspect_container(id))
        return bool(inspected["Config"]["Tty"])

    async def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return await self._connection.call(question)
        except EngineRefused as error:
            raise _failure(error) from error

    async def _open(self, method: str, path: str, query: dict[str, str], **options: Any) -> EngineStream:
        try:
            return await open_stream(await self._connection.address(), method, path, query, **options)
        except EngineRefused as error:
            raise _failure(error) from error


def _dial(pid: int, ip: str, port: int) -> socket.socket:
    """By the pod's namespace where we may enter it, else by its address, where its localhost is out of reach. A pod on
    the node's network has no address of its own."""
    if os.geteuid() == 0 and os.path.exists(f"/proc/{pid}/ns/net"):
        return dial(pid, port, CONNECT_SECONDS)
    return socket.create_connection((ip or "127.0.0.1", port), CONNECT_SECONDS)


def _failure(error: EngineRefused) -> Exception:
    """404: removed meanwhile; 409: not running."""
    return {404: NoSuchContainer, 409: NotRunning}.get(error.status, StreamFailed)(error.message)
