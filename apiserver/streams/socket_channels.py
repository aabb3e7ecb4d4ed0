"""exec and attach over a WebSocket: the first byte of a message is its channel.

    0 stdin   1 stdout   2 stderr   3 error   4 resize   255 close a channel (v5: its number follows)

The base64 protocols send text: the channel as a digit, then base64.
Source: k8s.io/apimachinery/pkg/util/remotecommand and k8s.io/apiserver/pkg/util/wsstream.
"""

import base64
import binascii
from typing import Any

from aiohttp import WSMsgType, web

from apiserver.streams import command_status
from apiserver.streams.inbox import Inbox, Stdin
from apiserver.streams.spdy_channels import resize_of, version_of

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)


class SocketChannels:
    def __init__(self, socket: web.WebSocketResponse, protocol: str) -> None:
        self.socket, self.base64 = socket, "base64" in protocol
        self.version = version_of(protocol or PROTOCOLS[1])

    async def receive(self, inbox: Inbox) -> None:
        while (message := await self.socket.receive()).type in (WSMsgType.BINARY, WSMsgType.TEXT):
            channel, data = self._read(message.data)
            if channel == STDIN and data:
                await inbox.put(Stdin(data))
            elif channel == CLOSE and data == bytes([STDIN]):
                await inbox.put(Stdin(b""))
            elif channel == RESIZE and (size := resize_of(data)) is not None:
                await inbox.put(size)

    def _read(self, message: Any) -> tuple[int, bytes]:
        """(channel, data); channel -1 for what cannot be read."""
        raw = message.encode() if isinstance(message, str) else bytes(message)
        if not raw:
            return -1, b""
        if not self.base64:
            return raw[0], raw[1:]
        try:
            return raw[0] - ord("0"), base64.b64decode(raw[1:])
        except binascii.Error:
            return -1, b""

    async def greet(self, channel: int) -> None:
        """An empty message tells the client that the channels stand."""
        await self._send(channel, b"")

    async def _send(self, channel: int, data: bytes) -> None:
        if self.base64:
            await self.socket.send_str(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self.socket.send_bytes(bytes([channel]) + data)

    async def stdout(self, data: bytes) -> None:
        await self._send(STDOUT, data)

    async def stderr(self, data: bytes) -> None:
        await self._send(STDERR, data)

    async def finish(self, status: dict[str, Any]) -> None:
        await self._send(ERROR, command_status.encode(status, self.version))
