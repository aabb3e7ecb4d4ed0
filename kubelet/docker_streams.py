"""Logs, exec, attach and port-forward on the engine: `kubelet.streams` says what each promises."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any

from kubelet import logs
from kubelet.docker import DockerRuntime
from kubelet.docker_engine import DockerEngine, EngineRefused
from kubelet.docker_stream import STDERR, EngineStream, open_stream
from kubelet.network.namespace import NamespaceGone, dial
from kubelet.runtime import ContainerSeen, PodSeen, State
from kubelet.streams import LogOptions, NoSuchContainer, NotRunning, Output, Session, StreamFailed, Target, Wants

CONNECT_SECONDS = 10.0
EXIT_CODE_SECONDS = 5.0
MOST_OUTPUT_BYTES = 1 << 15
Waiting = Callable[[Target], str]


def container_creating(target: Target) -> str:
    return "ContainerCreating"


class DockerStreams:
    """`waiting` says why a container has not started yet: ContainerCreating, PodInitializing, ImagePullBackOff …"""

    def __init__(self, runtime: DockerRuntime, waiting: Waiting = container_creating) -> None:
        self._runtime, self._connection, self._waiting = runtime, runtime.connection, waiting

    async def logs(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]:
        instances = await self._instances(target)
        chosen = logs.previous_of(instances) if options.previous else logs.current_of(instances)
        name, pod = target.container, target.pod
        if chosen is None and options.previous:
            raise NotRunning(f'previous terminated container "{name}" in pod "{pod}" not found')
        if chosen is None:
            raise NotRunning(f'container "{name}" in pod "{pod}" is waiting to start: {self._waiting(target)}')
        framed = not await self._has_terminal(chosen.id)
        stream = await self._open("GET", f"/containers/{chosen.id}/logs", logs.query(options), framed=framed)
        return self._logs(stream, options)

    async def _logs(self, stream: EngineStream, options: LogOptions) -> AsyncIterator[bytes]:
        async with stream:
            pieces = logs.limited(logs.lines(stream.frames(), options.timestamps), options.limit_bytes)
            async with aclosing(pieces):  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece

    async def exec(self, target: Target, command: Sequence[str], wants: Wants) -> Session:
        container = await self._running(target)

        def create() -> str:
            client = self._connection.client()
            made = client.exec_create(
                container.id, list(command), wants.stdout, wants.stderr, stdin=wants.stdin, tty=wants.tty
            )
            return str(made["Id"])

        id = await self._ask(create)
        body = {"Detach": False, "Tty": wants.tty}
        stream = await self._open("POST", f"/exec/{id}/start", {}, body=body, upgrade=True, framed=not wants.tty)
        return DockerSession(self._connection, stream, id, execution=True)

    async def attach(self, target: Target, wants: Wants) -> Session:
        container = await self._running(target)
        streams = {"stdin": wants.stdin, "stdout": wants.stdout, "stderr": wants.stderr}
        asked = {"stream": "1", **{name: "1" for name, wanted in streams.items() if wanted}}
        framed = not await self._has_terminal(container.id)
        stream = await self._open("POST", f"/containers/{container.id}/attach", asked, upgrade=True, framed=framed)
        return DockerSession(self._connection, stream, container.id, execution=False)

    async def dial(self, target: Target, port: int) -> socket.socket:
        pod = await self._pod(target)
        box = next((each for each in pod.sandboxes if each.ready), None)
        if box is None:
            raise NotRunning(f"unable to forward port because pod is not running: {target.namespace}/{target.pod}")
        try:
            pause = await self._ask(lambda: self._connection.client().inspect_container(box.id))
            connection = await asyncio.to_thread(_dial, pause["State"]["Pid"], box.ip, port)
        except (OSError, NamespaceGone) as error:
            raise StreamFailed(
                f"error forwarding port {port} to pod {box.id}, uid : failed to connect to localhost:{port} inside the "
                f"pod's network namespace: {error}"
            ) from error
        connection.setblocking(False)
        return connection

    async def _pod(self, target: Target) -> PodSeen:
        """Errors: NoSuchContainer. Of pods of the same name the one with `uid`, or the youngest."""
        pods = [
            pod
            for pod in (await self._runtime.pods_named(target.namespace, target.pod)).values()
            if target.uid in ("", pod.ref.uid)
        ]
        if not pods:
            raise NoSuchContainer(f'pod "{target.pod}" is not on this node')
        return max(pods, key=_youngest)

    async def _instances(self, target: Target) -> list[ContainerSeen]:
        """Newest first. A pod that is not on the engine yet is one whose containers wait."""
        try:
            pod = await self._pod(target)
        except NoSuchContainer:
            return []
        return [each for each in pod.containers if each.name == target.container]

    async def _running(self, target: Target) -> ContainerSeen:
        instances = await self._instances(target)
        for each in instances:
            if each.state is State.RUNNING:
                return each
        raise NoSuchContainer(f'container not found ("{target.container}")')

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
    """By the pod's namespace where we may enter it, else by its address, where its localhost is out of reach."""
    if os.geteuid() == 0 and os.path.exists(f"/proc/{pid}/ns/net"):
        return dial(pid, port, CONNECT_SECONDS)
    return socket.create_connection((ip, port), CONNECT_SECONDS)


def _failure(error: EngineRefused) -> Exception:
    """404: removed meanwhile; 409: not running."""
    return {404: NoSuchContainer, 409: NotRunning}.get(error.status, StreamFailed)(error.message)


def _youngest(pod: PodSeen) -> float:
    moments = [*(each.created_at for each in pod.sandboxes), *(each.created_at for each in pod.containers)]
    return max((moment.timestamp() for moment in moments if moment), default=0.0)


class DockerSession:
    """`resize` is the engine's call for what `id` names; `execution` is whether that is a command of exec."""

    def __init__(self, connection: DockerEngine, stream: EngineStream, id: str, execution: bool) -> None:
        self._connection, self._stream, self._id, self._execution = connection, stream, id, execution

    async def output(self) -> AsyncIterator[Output]:
        async for frame in self._stream.frames():
            for start in range(0, len(frame.data), MOST_OUTPUT_BYTES):
                yield Output(frame.data[start : start + MOST_OUTPUT_BYTES], frame.stream == STDERR)

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    def close_input(self) -> None:
        self._stream.close_input()

    async def resize(self, width: int, height: int) -> None:
        """What has ended, or has no terminal, keeps its size."""
        with suppress(EngineRefused):
            await self._connection.call(self._resize, width, height)

    def _resize(self, width: int, height: int) -> None:
        client = self._connection.client()
        (client.exec_resize if self._execution else client.resize)(self._id, height=height, width=width)

    async def exit_code(self) -> int:
        """The engine closes the output a moment before it knows the code. An attached container's is told elsewhere."""
        if not self._execution:
            return 0
        async with asyncio.timeout(EXIT_CODE_SECONDS):
            while True:
                seen = await self._connection.call(lambda: self._connection.client().exec_inspect(self._id))
                if not seen["Running"] and seen["ExitCode"] is not None:
                    return int(seen["ExitCode"])
                await asyncio.sleep(0.01)

    def close(self) -> None:
        self._stream.close()
