"""exec and attach over SPDY/3.1: one stream a channel, named by its header streamType.

The client opens error, then stdin, stdout, stderr as it asked for them, and resize with a terminal from v3 on.
Source: k8s.io/kubelet/pkg/cri/streaming/remotecommand/httpstream.go.
"""

import asyncio
from typing import Any

import msgspec

from apiserver.streams import command_status
from apiserver.streams.channels import Gone
from apiserver.streams.inbox import Inbox, Resize, Stdin
from apiserver.streams.session import SpdySession, SpdyStream

PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
CREATION_SECONDS = 30.0
STREAM_TYPE = "streamtype"


def version_of(protocol: str) -> int:
    return int(protocol[1]) if protocol.startswith("v") else 1


class SpdyChannels:
    def __init__(self, session: SpdySession, streams: dict[str, SpdyStream], version: int) -> None:
        self.session, self.streams, self.version = session, streams, version

    async def receive(self, inbox: Inbox) -> None:
        readers = {"stdin": self._stdin, "resize": self._resize}
        tasks = [
            asyncio.create_task(read(inbox), name=f"spdy {name}")
            for name, read in readers.items()
            if name in self.streams
        ]
        try:
            await self.session.ended()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _stdin(self, inbox: Inbox) -> None:
        async for chunk in self.streams["stdin"].chunks():
            await inbox.put(Stdin(chunk))
        await inbox.put(Stdin(b""))

    async def _resize(self, inbox: Inbox) -> None:
        buffered = b""
        async for chunk in self.streams["resize"].chunks():
            buffered += chunk
            *lines, buffered = buffered.replace(b"}", b"}\n").split(b"\n")
            for line in lines:
                if (size := resize_of(line)) is not None:
                    await inbox.put(size)

    async def stdout(self, data: bytes) -> None:
        await self._write("stdout", data)

    async def stderr(self, data: bytes) -> None:
        await self._write("stderr", data)

    async def _write(self, name: str, data: bytes) -> None:
        if name in self.streams:
            await self.streams[name].write(data)

    async def finish(self, status: dict[str, Any]) -> None:
        for name in ("stdout", "stderr"):
            if name in self.streams:
                await self.streams[name].end()
        await self.streams["error"].end(command_status.encode(status, self.version))


def resize_of(text: bytes) -> Resize | None:
    """`{"Width": 80, "Height": 24}`; None for anything else."""
    try:
        size = msgspec.json.decode(text)
        return Resize(int(size["Width"]), int(size["Height"]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


async def accept(session: SpdySession, wanted: set[str], version: int) -> SpdyChannels:
    """Wait for the client's streams; raises Gone or TimeoutError where they do not come."""
    streams: dict[str, SpdyStream] = {}
    async with asyncio.timeout(CREATION_SECONDS):
        while not wanted <= streams.keys():
            stream = await session.accept()
            if stream is None:
                raise Gone
            streams[stream.headers.get(STREAM_TYPE, "")] = stream
    return SpdyChannels(session, streams, version)
