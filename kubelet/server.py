"""The node's gRPC service: what the API server asks for behind kubectl logs, exec, attach and port-forward.

Only the API server and masters may: by their certificate's CN or O. A stream is as fast as its slower end, since each
piece is awaited in both directions; a caller who goes away ends it. `kubelet.streams` does the work.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager, closing
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import grpc
from cryptography import x509
from cryptography.x509.oid import NameOID

from kubelet.cgroups.stats import Stats
from kubelet.cgroups.stats_reply import stats_reply
from kubelet.logs import logs
from kubelet.runtime import RuntimeUnavailable
from kubelet.streams import (
    LogOptions,
    NoSuchContainer,
    NotRunning,
    Output,
    Session,
    StreamFailed,
    Streams,
    Target,
    Wants,
)
from podling.loop.service import Tls, add_health, grpc_server
from podling.pb.node import node_pb2 as pb
from podling.pb.node import node_pb2_grpc

log = logging.getLogger(__name__)
API_SERVER = "kube-apiserver-kubelet-client"
MASTERS = "system:masters"
PIECE_BYTES = 1 << 18
CODES = {
    NoSuchContainer: grpc.StatusCode.NOT_FOUND,
    NotRunning: grpc.StatusCode.FAILED_PRECONDITION,
    StreamFailed: grpc.StatusCode.INTERNAL,
    RuntimeUnavailable: grpc.StatusCode.UNAVAILABLE,
    ValueError: grpc.StatusCode.INVALID_ARGUMENT,
}


async def serve(
    streams: Streams, host: str, port: int, tls: Tls | None, stats: Stats | None = None
) -> tuple[grpc.aio.Server, int]:
    """Started; the caller owes a `stop`. The port is the given one, or for 0 the one found. Without `tls` anybody may
    ask: for tests. Errors: RuntimeError, OSError when the port is taken."""
    server = grpc_server()
    node_pb2_grpc.add_NodeServicer_to_server(NodeService(streams, stats, secure=tls is not None), server)
    await add_health(server, [pb.DESCRIPTOR.services_by_name["Node"].full_name])
    address = f"{host}:{port}"
    bound = server.add_secure_port(address, tls.server_credentials()) if tls else server.add_insecure_port(address)
    await server.start()
    log.info("node service listens address=%s:%s", host, bound)
    return server, bound


def may_ask(common_names: list[str], organizations: list[str]) -> bool:
    return API_SERVER in common_names or MASTERS in organizations


@lru_cache(maxsize=64)
def is_allowed(certificate_pem: bytes) -> bool:
    subject = x509.load_pem_x509_certificate(certificate_pem).subject
    names, groups = (
        [str(each.value) for each in subject.get_attributes_for_oid(oid)]
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    )
    return may_ask(names, groups)


class NodeService(node_pb2_grpc.NodeServicer):
    def __init__(self, streams: Streams, stats: Stats | None = None, *, secure: bool) -> None:
        self._streams, self._stats, self._secure = streams, stats, secure

    async def Logs(self, request: Any, context: Any) -> None:
        await self._authorize(context)
        async with refusing(context):
            options = log_options(request, datetime.now(UTC))
            pieces = await self._streams.logs(target_of(request.container), options)
        async with aclosing(pieces):  # type: ignore[type-var]
            await context.send_initial_metadata(())
            async for piece in pieces:
                await context.write(pb.LogsChunk(data=piece))

    async def Exec(self, requests: AsyncIterator[Any], context: Any) -> None:
        start = await self._start(requests, context)
        async with refusing(context):
            session = await self._streams.exec(target_of(start.container), list(start.command), wants_of(start))
        await converse(session, requests, context)

    async def Attach(self, requests: AsyncIterator[Any], context: Any) -> None:
        start = await self._start(requests, context)
        async with refusing(context):
            session = await self._streams.attach(target_of(start.container), wants_of(start))
        await converse(session, requests, context)

    async def PortForward(self, requests: AsyncIterator[Any], context: Any) -> None:
        start = await self._start(requests, context)
        async with refusing(context):
            connection = await self._streams.dial(Target(start.namespace, start.pod, start.uid, ""), start.port)
        await forward(connection, requests, context)

    async def _start(self, requests: AsyncIterator[Any], context: Any) -> Any:
        """The message that a two-way call begins with."""
        await self._authorize(context)
        request: Any = await anext(requests, None)
        if request is None or not request.HasField("start"):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message must be the start")
        return request.start

    async def Stats(self, request: Any, context: Any) -> Any:
        await self._authorize(context)
        async with refusing(context):
            return stats_reply(await self._stats.rates()) if self._stats else pb.StatsReply()

    async def _authorize(self, context: Any) -> None:
        certificates = context.auth_context().get("x509_pem_cert", [])
        if self._secure and not (certificates and is_allowed(certificates[0])):
            message = "only the API server may ask a kubelet"
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, message)


@asynccontextmanager
async def refusing(context: Any) -> AsyncIterator[None]:
    """What the streams refuse, as the call's status."""
    try:
        yield
    except tuple(CODES) as error:
        code = next(code for kind, code in CODES.items() if isinstance(error, kind))
        await context.abort(code, str(error))


async def converse(session: Session, requests: AsyncIterator[Any], context: Any) -> None:
    """Input goes in beside the output that comes out; the exit code is last."""
    with closing(session):
        await context.send_initial_metadata(())  # the API server answers its client now
        async with beside(feed(session, requests)):
            async for output in session.output():
                await context.write(said(output))
            await context.write(pb.StreamOutput(exit=await exit_of(session)))
    await cancelled()


async def cancelled() -> None:
    """Until the caller ends the call: ended here while he still writes, it would take from him what he has not read."""
    await asyncio.Event().wait()


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """`work` goes on while the block does, and no longer."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def said(output: Output) -> Any:
    return pb.StreamOutput(stderr=output.data) if output.is_error else pb.StreamOutput(stdout=output.data)


async def exit_of(session: Session) -> Any:
    try:
        return pb.Exit(code=await session.exit_code())
    except StreamFailed as error:
        return pb.Exit(code=1, error=str(error))
    except (RuntimeUnavailable, TimeoutError) as error:
        return pb.Exit(code=1, error=f"the exit code is not known: {error}")


async def feed(session: Session, requests: AsyncIterator[Any]) -> None:
    try:
        async for request in requests:
            kind = request.WhichOneof("input")
            if kind == "stdin":
                await session.write(request.stdin)
            elif kind == "stdin_closed":
                session.close_input()
            elif kind == "resize":
                await session.resize(request.resize.width, request.resize.height)
    except ConnectionError:
        return  # the command has ended and reads no more


async def forward(connection: socket.socket, requests: AsyncIterator[Any], context: Any) -> None:
    """Until the pod's end closes; the caller's half-close is passed on."""
    reader, writer = await asyncio.open_connection(sock=connection, limit=PIECE_BYTES)
    with closing(writer):
        await context.send_initial_metadata(())  # the API server answers its client now
        async with beside(feed_connection(writer, requests)):
            try:
                while data := await reader.read(PIECE_BYTES):
                    await context.write(pb.PortForwardOutput(data=data))
            except ConnectionError as error:
                log.debug("port-forward broken by the pod error=%s", error)
            await context.write(pb.PortForwardOutput(closed=True))
    await cancelled()


async def feed_connection(writer: asyncio.StreamWriter, requests: AsyncIterator[Any]) -> None:
    try:
        async for request in requests:
            if request.WhichOneof("input") == "data":
                writer.write(request.data)
                await writer.drain()
            elif request.closed and writer.can_write_eof():
                writer.write_eof()
    except ConnectionError:
        return  # the pod's end is closed


def target_of(container: Any) -> Target:
    return Target(container.namespace, container.pod, container.uid, container.container)


def wants_of(start: Any) -> Wants:
    return Wants(stdin=start.stdin, stdout=start.stdout, stderr=start.stderr and not start.tty, tty=start.tty)


def log_options(request: Any, now: datetime) -> LogOptions:
    """Errors: ValueError for a since_time that is none."""
    return LogOptions(
        follow=request.follow,
        previous=request.previous,
        timestamps=request.timestamps,
        tail_lines=request.tail_lines if request.HasField("tail_lines") else None,
        limit_bytes=request.limit_bytes if request.HasField("limit_bytes") else None,
        since=logs.since(now, request.since_seconds if request.HasField("since_seconds") else None, request.since_time),
        stdout=request.stream != "Stderr",
        stderr=request.stream != "Stdout",
    )
