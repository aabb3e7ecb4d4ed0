"""A command that runs in a container, or the container itself attached to: `kubelet.streams.Session` on the engine.

What could not be started at all looks to the engine's client like a command that wrote one line, the runtime's words,
and ended with 126 or 127. It is told from a real one by the process that it never had.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from signal import SIGKILL
from typing import Any

from kubelet.docker.engine import DockerEngine, EngineRefused
from kubelet.docker.frames import STDERR
from kubelet.docker.stream import EngineStream
from kubelet.streams import Output, StreamFailed

EXIT_CODE_SECONDS = 5.0
LOOK_SECONDS = 0.005
MOST_WORDS_BYTES = 4096
REMOVED = {"Running": False, "ExitCode": 128 + SIGKILL, "Pid": -1}
LINE_END = b"\r\n"  # of the engine's own words


class AttachSession:
    def __init__(self, connection: DockerEngine, stream: EngineStream, container_id: str) -> None:
        self._connection, self._stream, self._id = connection, stream, container_id

    async def output(self) -> AsyncIterator[Output]:
        async for frame in self._stream.output():
            yield Output(frame.data, frame.stream == STDERR)

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    def close_input(self) -> None:
        self._stream.close_input()

    async def resize(self, width: int, height: int) -> None:
        """What has ended, or has no terminal, keeps its size."""
        with suppress(EngineRefused):
            await self._connection.call(self._resize, width, height)

    def _resize(self, width: int, height: int) -> None:
        self._connection.client().resize(self._id, height=height, width=width)

    async def exit_code(self) -> int:
        """The container's own is told elsewhere."""
        return 0

    def close(self) -> None:
        self._stream.close()


class ExecSession(AttachSession):
    """`_id` is the command's."""

    _refused = ""

    async def output(self) -> AsyncIterator[Output]:
        first = True
        async for output in super().output():
            if first and looks_refused(output) and await self._never_ran():
                words = output.data.decode(errors="replace").strip()
                self._refused = f'failed to exec in container: failed to start exec "{self._id}": {words}'
                return
            first = False
            yield output

    async def _never_ran(self) -> bool:
        while True:
            seen = await self._inspect()
            if seen["Pid"] or not seen["Running"]:
                return not seen["Pid"]
            await asyncio.sleep(LOOK_SECONDS)

    async def exit_code(self) -> int:
        """The engine closes the output a moment before it knows the code."""
        if self._refused:
            raise StreamFailed(self._refused)
        async with asyncio.timeout(EXIT_CODE_SECONDS):
            while True:
                seen = await self._inspect()
                if not seen["Running"] and seen["ExitCode"] is not None:
                    return int(seen["ExitCode"])
                await asyncio.sleep(LOOK_SECONDS)

    async def _inspect(self) -> Any:
        """A container that was removed meanwhile took its commands with it."""
        try:
            return await self._connection.call(lambda: self._connection.client().exec_inspect(self._id))
        except EngineRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise StreamFailed(error.message) from error
            return REMOVED

    def _resize(self, width: int, height: int) -> None:
        self._connection.client().exec_resize(self._id, height=height, width=width)


def looks_refused(output: Output) -> bool:
    return not output.is_error and len(output.data) < MOST_WORDS_BYTES and output.data.endswith(LINE_END)
