"""Port-forward over the channels of one WebSocket, as the client libraries of Python, JavaScript and others speak it.

    ?ports=80,443    channel 0: data of 80   1: its errors   2: data of 443   3: its errors

Every channel begins with its port: two bytes, the low one first. There is one connection to each port; the WebSocket
ends with the last of them. Source: k8s.io/kubernetes/pkg/kubelet/cri/streaming/portforward/websocket.go.
"""

import asyncio
import base64
import binascii
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import grpc.aio
from aiohttp import WSMsgType, web

from apiserver.streams.kubelets import words_of
from apiserver.streams.target import Node
from podling.api.errors import BadRequest
from podling.pb.node import node_pb2 as pb

PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")


def asked_ports(words: Sequence[str]) -> list[int]:
    """Of `?ports=80,443&ports=22`."""
    if not words:
        raise BadRequest('query parameter "port" is required')
    found = []
    for word in words:
        if not word:
            raise BadRequest('query parameter "port" cannot be empty')
        for part in word.split(","):
            digits = part.isascii() and part.isdigit()
            if not digits or int(part) >= 1 << 16:
                why = "value out of range" if digits else "invalid syntax"
                raise BadRequest(f'unable to parse "{word}" as a port: strconv.ParseUint: parsing "{part}": {why}')
            if int(part) == 0:
                raise BadRequest(f'port "{word}" must be > 0')
            found.append(int(part))
    return found


class Channels:
    """One call to the kubelet a port. `start` names the pod; its port is set here."""

    def __init__(
        self, socket: web.WebSocketResponse, protocol: str, ports: Sequence[int], node: Node, start: pb.PortForwardStart
    ) -> None:
        self.socket, self.base64 = socket, "base64" in protocol
        self.ports, self.node, self.start = ports, node, start
        self.calls: list[Any] = []

    async def run(self, stub: Any) -> None:
        tasks: list[asyncio.Task[Any]] = []
        try:
            for at, port in enumerate(self.ports):
                await self._send(2 * at, struct.pack("<H", port))
                await self._send(2 * at + 1, struct.pack("<H", port))
            for port in self.ports:
                self.calls.append(await self._begun(stub, port))
            tasks = [asyncio.create_task(self._outward(at), name="port-forward") for at in range(len(self.ports))]
            reading = asyncio.create_task(self._inward(), name="port-forward in")
            tasks.append(reading)
            ports = asyncio.gather(*tasks[:-1])
            await asyncio.wait((ports, reading), return_when=asyncio.FIRST_COMPLETED)
        except ConnectionError:
            return  # the client has gone
        finally:
            for call in self.calls:
                call.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(ConnectionError):
                await self.socket.close()

    async def _begun(self, stub: Any, port: int) -> Any:
        call = stub.PortForward()
        self.start.port = port
        with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # a call that is over already is told by `read`
            await call.write(pb.PortForwardInput(start=self.start))
        return call

    async def _outward(self, at: int) -> None:
        """From a port to its channel, and why it ended where that was no end of its own."""
        call, words = self.calls[at], ""
        try:
            while (output := await call.read()) is not grpc.aio.EOF:
                if output.closed:
                    call.cancel()
                    return
                await self._send(2 * at, output.data)
            if (code := await call.code()) is not grpc.StatusCode.OK:
                words = words_of(code, await call.details(), self.node)
        except grpc.aio.AioRpcError as failed:
            words = words_of(failed.code(), failed.details() or "", self.node)
        if words:
            words = f"error forwarding port {self.ports[at]} to pod {self.start.uid}, uid : {words}"
            await self._send(2 * at + 1, words.encode())

    async def _inward(self) -> None:
        while (message := await self.socket.receive()).type in (WSMsgType.BINARY, WSMsgType.TEXT):
            channel, data = self._read(message.data)
            if data and channel % 2 == 0 and 0 <= channel // 2 < len(self.calls):
                with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # that port has ended
                    await self.calls[channel // 2].write(pb.PortForwardInput(data=data))

    def _read(self, message: Any) -> tuple[int, bytes]:
        """(channel, data); no data for what cannot be read."""
        raw = message.encode() if isinstance(message, str) else bytes(message)
        if not self.base64 or not raw:
            return (raw[0], raw[1:]) if raw else (0, b"")
        try:
            return raw[0] - ord("0"), base64.b64decode(raw[1:])
        except binascii.Error:
            return 0, b""

    async def _send(self, channel: int, data: bytes) -> None:
        if self.base64:
            await self.socket.send_str(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self.socket.send_bytes(bytes([channel]) + data)
