"""kubectl logs on the engine: which instance, by the pod's status; then its log.

The files of the engine's json-file driver are read where they can be: the engine itself is slower, and in old versions
says lines twice, or not at all, when it turns a file over that somebody follows. Else it is the engine that is asked.
docs/decisions/0014-logs-in-json-files.md
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from kubelet.docker.engine import DockerEngine, EngineRefused
from kubelet.docker.stream import PIECE_BYTES, EngineStream, open_stream
from kubelet.logs import logs
from kubelet.logs.entries import Entries
from kubelet.logs.files import LogFiles
from kubelet.logs.inotify import FolderWatches
from kubelet.logs.rotation import DRIVER
from kubelet.runtime import RuntimeUnavailable
from kubelet.streams import LogOptions, StreamFailed, Target

Statuses = Callable[[Target], Awaitable[Mapping[str, Any] | None]]
MOST_REMEMBERED = 1000
NOT_FOUND = 404
LOOK_SECONDS = 1.0  # where the kernel has no news to give
LEAST_SECONDS = 0.01  # from one look to the next: many short lines come together, the first of them at once


class Log(NamedTuple):
    """Of one instance, which keeps it for good. `path` is None where its files are out of reach."""

    terminal: bool
    path: Path | None


class DockerLogs:
    """`statuses` gives a pod's newest status, as the kubelet has it. `files`: whether the engine's may be read."""

    def __init__(self, connection: DockerEngine, statuses: Statuses, files: bool = True) -> None:
        self._connection, self._statuses, self._files = connection, statuses, files
        self._known: OrderedDict[str, Log] = OrderedDict()
        self._watches = FolderWatches()

    async def open(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]:
        """Errors: NotRunning, StreamFailed, RuntimeUnavailable."""
        id = logs.chosen(await self._statuses(target), target, options.previous)
        try:
            log = await self._log(id)
            if log.path is not None:
                files = await asyncio.to_thread(LogFiles, log.path, options.tail_lines, options.follow)
                return _limited(self._from_files(id, log.path, files, options), options)
            address = await self._connection.address()
            query = logs.query(options)
            stream = await open_stream(address, "GET", f"/containers/{id}/logs", query, framed=not log.terminal)
        except FileNotFoundError:
            return _once(logs.gone(id))
        except EngineRefused as error:
            if error.status == NOT_FOUND:
                return _once(logs.gone(id))
            raise StreamFailed(error.message) from error
        return _limited(_from_engine(stream, options), options)

    async def _log(self, id: str) -> Log:
        if id not in self._known:
            inspected = await self._connection.call(lambda: self._connection.client().inspect_container(id))
            path = await asyncio.to_thread(_readable, inspected) if self._files else None
            log = Log(bool(inspected["Config"]["Tty"]), path)
            if not inspected.get("LogPath"):
                return log  # it has not been started yet
            self._known[id] = log
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return self._known[id]

    async def _from_files(self, id: str, path: Path, files: LogFiles, options: LogOptions) -> AsyncIterator[bytes]:
        entries = Entries(options)
        try:
            if not options.follow:
                while lines := await asyncio.to_thread(files.read):
                    yield entries.text(lines)
                return
            with self._watches.watch(path.parent) as news:
                ended = asyncio.create_task(self._ended(id))
                try:
                    async for lines in _followed(files, news, ended):
                        yield entries.text(lines)
                finally:
                    ended.cancel()
        finally:
            files.close()

    async def _ended(self, id: str) -> None:
        """Until the container has; the engine says so when its log is complete. Without an engine nothing runs."""
        with suppress(EngineRefused, RuntimeUnavailable):
            address = await self._connection.address()
            wait = await open_stream(address, "POST", f"/containers/{id}/wait", {"condition": "not-running"})
            async with wait:
                await wait.body()


async def _followed(files: LogFiles, news: asyncio.Event, ended: "asyncio.Task[None]") -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while True:
        is_last = ended.done()  # asked before the look: what was written before the end is seen
        news.clear()
        looked_at = loop.time()
        if lines := await asyncio.to_thread(files.read):
            yield lines
            continue
        if is_last:
            return
        waiting = asyncio.create_task(news.wait())
        try:
            await asyncio.wait({waiting, ended}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if (since := loop.time() - looked_at) < LEAST_SECONDS:
            await asyncio.sleep(LEAST_SECONDS - since)


def _readable(inspected: Mapping[str, Any]) -> Path | None:
    path = inspected.get("LogPath")
    if not path or inspected["HostConfig"]["LogConfig"]["Type"] != DRIVER:
        return None
    try:
        with Path(path).open("rb"):
            return Path(path)
    except OSError:
        return None


async def _limited(data: AsyncIterator[bytes], options: LogOptions) -> AsyncIterator[bytes]:
    async with aclosing(data), aclosing(logs.limited(data, options.limit_bytes)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            yield piece


async def _from_engine(stream: EngineStream, options: LogOptions) -> AsyncIterator[bytes]:
    async with stream:
        if options.timestamps and stream.framed:
            lines = logs.StampedLines()
            while data := await stream.reader.read(PIECE_BYTES):
                yield lines.feed(data)
            return
        async for frame in stream.output():
            yield frame.data


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
