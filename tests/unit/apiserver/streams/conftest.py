"""A small API in front of the streams, over HTTPS, with a node whose containers are this machine.

Container `app` exists, every other is not found; `waiting` has not started. Commands run here, ports are this machine's
own.
"""

import asyncio
import fcntl
import json
import os
import pty
import shutil
import ssl
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.http import address
from apiserver.request import Request
from apiserver.streams import logs, portforward, remotecommand
from apiserver.streams.kubelets import Kubelets
from apiserver.verbs import admitted
from kubelet.server import beside, cancelled
from podling import pki
from podling.api.errors import ApiError
from podling.pb.node import node_pb2 as pb
from podling.pb.node import node_pb2_grpc

CHUNK_BYTES = 32 * 1024
LOG = [f"line {number}\n" for number in range(1, 6)]


class LocalNode(node_pb2_grpc.NodeServicer):
    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.released = asyncio.Event()  # lets a followed log go on
        self.commands: set[_Command] = set()
        self.idle = asyncio.Event()  # no command runs
        self.idle.set()

    async def _check(self, ref: pb.ContainerRef, context: Any) -> None:
        if ref.container == "waiting":
            words = f'container "waiting" in pod "{ref.pod}" is waiting to start: ContainerCreating'
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        if ref.container != "app":
            await context.abort(grpc.StatusCode.NOT_FOUND, f'container not found ("{ref.container}")')
        await context.send_initial_metadata(())

    async def Logs(self, request: pb.LogsRequest, context: Any) -> AsyncIterator[pb.LogsChunk]:
        self.requests.append(request)
        await self._check(request.container, context)
        lines = LOG[-request.tail_lines :] if request.HasField("tail_lines") else LOG
        yield pb.LogsChunk(data="".join(lines).encode())
        if request.follow:
            await self.released.wait()
            yield pb.LogsChunk(data=b"later\n")

    async def Exec(self, requests: AsyncIterator[pb.StreamInput], context: Any) -> None:
        start = (await anext(requests)).start
        self.requests.append(start)
        await self._check(start.container, context)
        try:
            command = await _Command.start(start)
        except OSError as wrong:
            await context.write(pb.StreamOutput(exit=pb.Exit(code=127, error=str(wrong))))
            await cancelled()
        self.commands.add(command)
        self.idle.clear()
        feeding = asyncio.create_task(command.feed(requests))
        try:
            async with aclosing(command.outputs()) as outputs:
                async for output in outputs:
                    await context.write(output)
        finally:
            feeding.cancel()
            try:
                await asyncio.gather(feeding, return_exceptions=True)
                await command.end()
            finally:  # the call may be cancelled while it ends by itself
                self.commands.discard(command)
                if not self.commands:
                    self.idle.set()
        await cancelled()

    async def Attach(self, requests: AsyncIterator[pb.StreamInput], context: Any) -> None:
        await self.Exec(_attached(requests), context)

    async def PortForward(self, requests: AsyncIterator[pb.PortForwardInput], context: Any) -> None:
        start = (await anext(requests)).start
        self.requests.append(start)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", start.port)
        except OSError:
            await context.abort(
                grpc.StatusCode.INTERNAL, f"dial tcp4 127.0.0.1:{start.port}: connect: connection refused"
            )
        await context.send_initial_metadata(())
        with closing(writer):
            async with beside(_feed(requests, writer)):
                while data := await reader.read(CHUNK_BYTES):
                    await context.write(pb.PortForwardOutput(data=data))
                await context.write(pb.PortForwardOutput(closed=True))
        await cancelled()


async def _attached(requests: AsyncIterator[pb.StreamInput]) -> AsyncIterator[pb.StreamInput]:
    """Attaching runs cat: what goes in comes out."""
    async for request in requests:
        if request.WhichOneof("input") == "start":
            request.start.command.append("cat")
        yield request


async def _feed(requests: AsyncIterator[pb.PortForwardInput], writer: asyncio.StreamWriter) -> None:
    async for request in requests:
        if request.WhichOneof("input") == "closed":
            writer.write_eof()
        else:
            writer.write(request.data)
            await writer.drain()


class _Command:
    """A process with pipes, or on a terminal."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        self.process, self.terminal = process, terminal

    @classmethod
    async def start(cls, start: pb.StreamStart) -> "_Command":
        if start.tty:
            master, slave = pty.openpty()
            process = await asyncio.create_subprocess_exec(
                *start.command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
            )
            os.close(slave)
            os.set_blocking(master, False)
            return cls(process, master)
        pipe = asyncio.subprocess.PIPE
        stdin = pipe if start.stdin else asyncio.subprocess.DEVNULL
        return cls(await asyncio.create_subprocess_exec(*start.command, stdin=stdin, stdout=pipe, stderr=pipe), -1)

    async def feed(self, requests: AsyncIterator[pb.StreamInput]) -> None:
        async for request in requests:
            kind = request.WhichOneof("input")
            if kind == "resize":
                size = struct.pack("HHHH", request.resize.height, request.resize.width, 0, 0)
                fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, size)
            elif self.terminal >= 0:
                os.write(self.terminal, request.stdin or b"\x04")
            elif kind == "stdin_closed" and self.process.stdin is not None:
                self.process.stdin.close()
            elif self.process.stdin is not None:
                self.process.stdin.write(request.stdin)
                await self.process.stdin.drain()

    async def outputs(self) -> AsyncIterator[pb.StreamOutput]:
        queue: asyncio.Queue[pb.StreamOutput | None] = asyncio.Queue(8)
        readers = [asyncio.create_task(self._read(name, queue)) for name in ("stdout", "stderr")]
        for _ in readers:
            while (output := await queue.get()) is not None:
                yield output
        yield pb.StreamOutput(exit=pb.Exit(code=await self.process.wait()))

    async def _read(self, name: str, queue: asyncio.Queue[pb.StreamOutput | None]) -> None:
        if self.terminal >= 0:
            while name == "stdout" and (data := await self._terminal_read()):
                await queue.put(pb.StreamOutput(stdout=data))
        else:
            pipe = getattr(self.process, name)
            while data := await pipe.read(CHUNK_BYTES):
                await queue.put(pb.StreamOutput(**{name: data}))
        await queue.put(None)

    async def _terminal_read(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self.terminal, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
            return os.read(self.terminal, CHUNK_BYTES)
        except OSError:
            return b""
        finally:
            loop.remove_reader(self.terminal)

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self.terminal >= 0:
            os.close(self.terminal)


KINDS = {"exec": "PodExecOptions", "attach": "PodAttachOptions", "portforward": "PodPortForwardOptions"}
STREAMS = {
    "log": logs.logs,
    "exec": remotecommand.exec_,
    "attach": remotecommand.attach,
    "portforward": portforward.port_forward,
}
VERBS = ["get", "create"]
KUBECTLS = [path for path in ("/usr/bin/kubectl", str(Path(sys.executable).parent / "kubectl")) if shutil.which(path)]


@dataclass
class World:
    """`node` is the fake kubelet, `server` its gRPC server; `pod` may be changed; `kubectl` runs one to its end."""

    folder: Path
    node: LocalNode
    server: Any = None
    kubelet_port: int = 0
    port: int = 0
    pod: dict[str, Any] = field(default_factory=dict)
    kubelets: Kubelets = field(default_factory=Kubelets)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def get(self, resource: Any, namespace: str, name: str) -> Any:
        if resource.resource == "pods":
            return self.pod if (namespace, name) == ("default", "p") else None
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        endpoints = {"kubeletEndpoint": {"Port": self.kubelet_port}}
        status = {"addresses": addresses, "daemonEndpoints": endpoints}
        return {"metadata": {"name": name}, "status": status} if name == "n1" else None

    async def handle(self, http: BaseRequest) -> web.StreamResponse:
        path = http.raw_path.partition("?")[0]
        if path in ("/api", "/apis", "/api/v1"):
            return web.json_response(_discovery(path))
        asked = address.attributes(http.method, address.segments(path), http.query)
        stream = STREAMS.get(asked.subresource)
        context: Any = SimpleNamespace(lister=self, config=self.config, kubelets=self.kubelets)
        try:
            if stream is not None:
                read = admitted.OPTIONS.get(KINDS.get(asked.subresource, ""))
                decoded = read(http) if read else None
                return await stream(http, context, Request(asked, options=http.query, decoded=decoded))
            return web.json_response(self.pod)
        except ApiError as error:
            return web.json_response(error.status(), status=error.code)

    @property
    def config(self) -> Any:
        return SimpleNamespace(
            client_ca=self.folder / "ca.crt",
            kubelet_client_cert=self.folder / "apiserver-kubelet-client.crt",
            kubelet_client_key=self.folder / "apiserver-kubelet-client.key",
        )

    async def start(self) -> web.ServerRunner:
        pki.ensure(self.folder, ["n1"], hostname="localhost")
        self.server = grpc.aio.server()
        node_pb2_grpc.add_NodeServicer_to_server(self.node, self.server)
        pair = tuple((self.folder / f"node-n1.{kind}").read_bytes() for kind in ("key", "crt"))
        authority = (self.folder / "ca.crt").read_bytes()
        credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=True)
        self.kubelet_port = self.server.add_secure_port("127.0.0.1:0", credentials)
        await self.server.start()
        web_server = web.Server(self.handle, request_factory=_request, handler_cancellation=True)
        runner = web.ServerRunner(web_server, shutdown_timeout=5.0)
        await runner.setup()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.folder / "apiserver.crt", self.folder / "apiserver.key")
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        assert runner.addresses
        self.port = runner.addresses[0][1]
        self._write_kubeconfig()
        return runner

    def _write_kubeconfig(self) -> None:
        cluster = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": str(self.folder / "ca.crt")}
        user = {"client-certificate": str(self.folder / "admin.crt"), "client-key": str(self.folder / "admin.key")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
            "current-context": "x",
        }
        self.kubeconfig.write_text(json.dumps(config))

    async def open(self, kubectl: "Kubectl", *arguments: str, **options: Any) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(self.folder),
            "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": kubectl.websockets,
            "KUBECTL_PORT_FORWARD_WEBSOCKETS": kubectl.websockets,
        }
        options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "env": environment, **options}
        return await asyncio.create_subprocess_exec(kubectl.path, *arguments, **options)

    async def kubectl(self, kubectl: "Kubectl", *arguments: str, stdin: bytes = b"") -> tuple[int | None, bytes, bytes]:
        """(exit code, stdout, stderr). kubectl 1.32 may hear the server's greeting before it has made its streams, and
        says so; the greeting is empty, as Kubernetes' own."""
        process = await self.open(kubectl, *arguments)
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate(stdin)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        told = [line for line in err.splitlines(keepends=True) if b"Unknown stream id" not in line]
        return process.returncode, out, b"".join(told)


@dataclass(frozen=True)
class Kubectl:
    path: str
    websockets: str  # "true", or "false" for SPDY

    def __str__(self) -> str:
        return f"{self.path.split('/')[1]}-{'websocket' if self.websockets == 'true' else 'spdy'}"


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
    return BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


def _discovery(path: str) -> dict[str, Any]:
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
    names = ["pods", *(f"pods/{name}" for name in STREAMS)]
    resources = [
        {"name": name, "singularName": "", "namespaced": True, "kind": "Pod", "verbs": VERBS} for name in names
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": resources}


@pytest.fixture(params=[Kubectl(path, websockets) for path in KUBECTLS for websockets in ("true", "false")], ids=str)
def kubectl(request: pytest.FixtureRequest) -> Kubectl:
    """Both versions, over both protocols."""
    found: Kubectl = request.param
    return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    containers = [{"name": "app", "image": "i"}]
    made = World(tmp_path, LocalNode())
    made.pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default", "uid": "u"},
        "spec": {"nodeName": "n1", "containers": containers},
        "status": {"phase": "Running"},
    }
    runner = await made.start()
    yield made
    await runner.cleanup()
    await made.kubelets.close()
    async with asyncio.timeout(60):  # commands end when their calls do
        await made.node.idle.wait()
    await made.server.stop(0)
