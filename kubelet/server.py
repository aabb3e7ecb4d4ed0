"""The node's gRPC service: what the API server asks for behind kubectl logs, exec, attach and port-forward.

Only the API server and masters may: by their certificate's CN or O. A stream is as fast as its slower end, since each
piece is awaited in both directions; a caller who goes away ends it. `kubelet.streams` does the work.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import grpc
from cryptography import x509
from cryptography.x509.oid import NameOID

from kubelet import logs
from kubelet.runtime import RuntimeUnavailable
from kubelet.streams import (
    LogOptions,
    NoSuchContainer,
    NotRunning,
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
PIECE_BYTES = 1 << 15
CODES = {
    NoSuchContainer: grpc.StatusCode.NOT_FOUND,
    NotRunning: grpc.StatusCode.FAILED_PRECONDITION,
    StreamFailed: grpc.StatusCode.INTERNAL,
    RuntimeUnavailable: grpc.StatusCode.UNAVAILABLE,
    ValueError: grpc.StatusCode.INVALID_ARGUMENT,
}


async def serve(streams: Streams, host: str, port: int, tls: Tls | None) -> tuple[grpc.aio.Server, int]:
    """Started; the caller owes a `stop`. The port is the given one, or for 0 the one found. Without `tls` anybody may
    ask: for tests. Errors: RuntimeError, OSError when the port is taken."""
    server = grpc_server()
    node_pb2_grpc.add_NodeServicer_to_server(NodeService(streams, secure=tls is not None), server)
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
    def __init__(self, streams: Streams, *, secure: bool) -> None:
        self._streams, self._secure = streams, secure

    async def Logs(self, request: Any, context: Any) -> AsyncIterator[Any]:
        await self._authorize(context)
        try:
            pieces = await self._streams.logs(target_of(request.container), log_options(request, datetime.now(UTC)))
        except tuple(CODES) as error:
            await refuse(context, error)
            raise
        await context.send_initial_metadata(())  # the API server answers its client now
        async with aclosing(pieces):  # type: ignore[type-var]
            async for piece in pieces:
                yield pb.LogsChunk(data=piece)

    async def Exec(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        await self._authorize(context)
        start = await first(requests, context)
        try:
            session = await self._streams.exec(target_of(start.container), list(start.command), wants_of(start))
        except tuple(CODES) as error:
            await refuse(context, error)
            raise
        await context.send_initial_metadata(())  # the API server answers its client now
        async with aclosing(converse(session, requests)) as outputs:  # type: ignore[type-var]
            async for output in outputs:
                yield output

    async def Attach(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        await self._authorize(context)
        start = await first(requests, context)
        try:
            session = await self._streams.attach(target_of(start.container), wants_of(start))
        except tuple(CODES) as error:
            await refuse(context, error)
            raise
        await context.send_initial_metadata(())  # the API server answers its client now
        async with aclosing(converse(session, requests)) as outputs:  # type: ignore[type-var]
            async for output in outputs:
                yield output

    async def PortForward(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        await self._authorize(context)
        start = await first(requests, context)
        try:
            connection = await self._streams.dial(Target(start.namespace, start.pod, start.uid, ""), start.port)
        except tuple(CODES) as error:
            await refuse(context, error)
            raise
        await context.send_initial_metadata(())  # the API server answers its client now
        async with aclosing(forward(connection, requests)) as outputs:  # type: ignore[type-var]
            async for output in outputs:
                yield output

    async def _authorize(self, context: Any) -> None:
        certificates = context.auth_context().get("x509_pem_cert", [])
        if self._secure and not (certificates and is_allowed(certificates[0])):
            message = "only the API server may ask a kubelet"
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, message)


async def refuse(context: Any, error: Exception) -> None:
    code = next(code for kind, code in CODES.items() if isinstance(error, kind))
    await context.abort(code, str(error))


async def first(requests: AsyncIterator[Any], context: Any) -> Any:
    """The start that a stream begins with."""
    request: Any = await anext(requests, None)
    if request is None or not request.HasField("start"):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message must be the start")
    return request.start


async def converse(session: Session, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Input goes in beside the output that comes out; the exit code is last."""
    feeding = asyncio.ensure_future(feed(session, requests))
    try:
        async for output in session.output():
            yield pb.StreamOutput(stderr=output.data) if output.is_error else pb.StreamOutput(stdout=output.data)
        yield pb.StreamOutput(exit=await exit_of(session))
    finally:
        feeding.cancel()
        session.close()
        await asyncio.gather(feeding, return_exceptions=True)


async def exit_of(session: Session) -> Any:
    try:
        return pb.Exit(code=await session.exit_code())
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


async def forward(connection: socket.socket, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Until the pod's end closes; the caller's half-close is passed on."""
    reader, writer = await asyncio.open_connection(sock=connection)
    feeding = asyncio.ensure_future(feed_connection(writer, requests))
    try:
        while data := await reader.read(PIECE_BYTES):
            yield pb.PortForwardOutput(data=data)
    except ConnectionError as error:
        log.debug("port-forward broken by the pod error=%s", error)
    finally:
        feeding.cancel()
        writer.close()
        await asyncio.gather(feeding, return_exceptions=True)


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
