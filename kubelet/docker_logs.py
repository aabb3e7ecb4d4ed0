"""kubectl logs on the engine: which instance, by the pod's status; then the engine's own log of it."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from kubelet import logs
from kubelet.docker_engine import DockerEngine, EngineRefused
from kubelet.docker_stream import PIECE_BYTES, EngineStream, open_stream
from kubelet.streams import LogOptions, StreamFailed, Target

Statuses = Callable[[Target], Awaitable[Mapping[str, Any] | None]]
MOST_REMEMBERED = 1000
NOT_FOUND = 404


class DockerLogs:
    """`statuses` gives a pod's newest status, as the kubelet has it."""

    def __init__(self, connection: DockerEngine, statuses: Statuses) -> None:
        self._connection, self._statuses = connection, statuses
        self._terminals: OrderedDict[str, bool] = OrderedDict()  # whether an instance has one: it never changes

    async def open(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]:
        """Errors: NotRunning, StreamFailed, RuntimeUnavailable."""
        id = logs.chosen(await self._statuses(target), target, options.previous)
        try:
            framed = not await self._has_terminal(id)
            address = await self._connection.address()
            stream = await open_stream(address, "GET", f"/containers/{id}/logs", logs.query(options), framed=framed)
        except EngineRefused as error:
            if error.status == NOT_FOUND:
                return _once(logs.gone(id))
            raise StreamFailed(error.message) from error
        return _limited(stream, options)

    async def _has_terminal(self, id: str) -> bool:
        if id not in self._terminals:
            inspected = await self._connection.call(lambda: self._connection.client().inspect_container(id))
            self._terminals[id] = bool(inspected["Config"]["Tty"])
            if len(self._terminals) > MOST_REMEMBERED:
                self._terminals.popitem(last=False)
        return self._terminals[id]


async def _limited(stream: EngineStream, options: LogOptions) -> AsyncIterator[bytes]:
    async with stream:
        read = _stamped(stream) if options.timestamps and stream.framed else _plain(stream)
        async with aclosing(logs.limited(read, options.limit_bytes)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece


async def _plain(stream: EngineStream) -> AsyncIterator[bytes]:
    async for frame in stream.output():
        yield frame.data


async def _stamped(stream: EngineStream) -> AsyncIterator[bytes]:
    lines = logs.StampedLines()
    try:
        while data := await stream.reader.read(PIECE_BYTES):
            if whole := lines.feed(data):
                yield whole
    except ConnectionError:
        return


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
