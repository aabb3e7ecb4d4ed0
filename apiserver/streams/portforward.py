"""kubectl port-forward: each connection is a pair of SPDY streams, and one call to the kubelet.

The client opens an error stream and a data stream with the same requestID and port. Over a WebSocket the same SPDY
frames travel inside binary messages; clients other than kubectl use channels (`portchannels.py`). Source:
k8s.io/kubelet/pkg/cri/streaming/portforward/httpstream.go.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import grpc.aio
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.request import Request
from apiserver.streams import portchannels, target
from apiserver.streams.kubelets import words_of
from apiserver.streams.remotecommand import PODS
from apiserver.streams.session import SpdySession, SpdyStream
from apiserver.streams.target import Node
from apiserver.streams.upgrade import open_socket, open_spdy, wanted_upgrade
from apiserver.streams.wire import Tunnel
from podling.api.errors import BadRequest, not_found
from podling.pb.node import node_pb2 as pb

log = logging.getLogger(__name__)

PROTOCOL = "portforward.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"


async def port_forward(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    asked = request.attributes
    pod = context.lister.get(PODS, asked.namespace, asked.name)
    if pod is None:
        raise not_found(PODS, asked.name)
    node_name = target.node_name(pod)
    phase = pod.get("status", {}).get("phase", "")
    if phase != "Running":
        raise BadRequest(f"unable to forward port because pod is not running. Current status={phase}")
    upgrade = wanted_upgrade(http, (PROTOCOL,), (TUNNEL, *portchannels.PROTOCOLS))
    by_channels = not upgrade.spdy and upgrade.protocol != TUNNEL
    ports = portchannels.asked_ports(http.query.getall("ports", [])) if by_channels else []
    node, stub = await context.kubelets.find(context.lister, context.config, node_name)
    meta = pod["metadata"]
    start = pb.PortForwardStart(namespace=meta["namespace"], pod=meta["name"], uid=meta["uid"])
    if upgrade.spdy:
        wire, answer = open_spdy(http, upgrade)
        await _Forwarder(SpdySession(wire), stub, node, start).run()
        return answer
    socket = await open_socket(http, upgrade)
    if by_channels:
        await portchannels.Channels(socket, upgrade.protocol, ports, node, start).run(stub)
        return socket
    await _Forwarder(SpdySession(Tunnel(socket)), stub, node, start).run()
    return socket


class _Forwarder:
    def __init__(self, session: SpdySession, stub: Any, node: Node, start: pb.PortForwardStart) -> None:
        self.session, self.stub, self.node, self.start = session, stub, node, start
        self.waiting: dict[str, dict[str, SpdyStream]] = {}
        self.pairs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async with self.session:
            try:
                while (stream := await self.session.accept()) is not None:
                    await self._paired(stream)
                await self.session.ended()
            finally:
                for pair in self.pairs:
                    pair.cancel()
                await asyncio.gather(*self.pairs, return_exceptions=True)

    async def _paired(self, stream: SpdyStream) -> None:
        kind, key = stream.headers.get("streamtype", ""), _request_id(stream)
        port = stream.headers.get("port", "")
        if kind not in ("error", "data") or not (port.isdigit() and 0 < int(port) < 65536):
            await stream.reset()
            return
        pair = self.waiting.setdefault(key, {})
        pair[kind] = stream
        if len(pair) == 2:
            del self.waiting[key]
            task = asyncio.create_task(self._forward(pair["data"], pair["error"], int(port)), name="port-forward")
            pair["data"].when_reset = task.cancel  # the client's own connection is gone
            self.pairs.add(task)
            task.add_done_callback(self.pairs.discard)

    async def _forward(self, data: SpdyStream, error: SpdyStream, port: int) -> None:
        call = self.stub.PortForward()
        self.start.port = port
        inward = None
        try:
            with suppress(asyncio.InvalidStateError):  # a call that is over already is told by `read`
                await call.write(pb.PortForwardInput(start=self.start))
            inward = asyncio.create_task(_inward(data, call), name="port-forward in")
            while (output := await call.read()) is not grpc.aio.EOF:
                if output.closed:
                    return
                await data.write(output.data)
            if (code := await call.code()) is not grpc.StatusCode.OK:
                await self._failed(error, port, words_of(code, await call.details(), self.node))
        except grpc.aio.AioRpcError as failed:
            await self._failed(error, port, words_of(failed.code(), failed.details() or "", self.node))
        except ConnectionError as gone:
            log.debug("port-forward ended port=%d error=%s", port, gone)
        finally:
            call.cancel()
            if inward is not None:
                inward.cancel()
                await asyncio.gather(inward, return_exceptions=True)
            with suppress(ConnectionError):
                await data.end()
                await error.end()
            data.forget()
            error.forget()

    async def _failed(self, error: SpdyStream, port: int, words: str) -> None:
        uid = self.start.uid
        with suppress(ConnectionError):
            await error.write(f"error forwarding port {port} to pod {uid}, uid : {words}".encode())


async def _inward(data: SpdyStream, call: Any) -> None:
    with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
        async for chunk in data.chunks():
            await call.write(pb.PortForwardInput(data=chunk))
        await call.write(pb.PortForwardInput(closed=True))


def _request_id(stream: SpdyStream) -> str:
    """Clients before 1.5 sent none: the error stream comes right before its data stream."""
    found = stream.headers.get("requestid")
    if found:
        return found
    return str(stream.number if stream.headers.get("streamtype") == "error" else stream.number - 2)
