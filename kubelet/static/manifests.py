"""Reads the manifests of static pods again and again: a directory, or one file, and a URL.

A directory is looked at each second by its entries' times and sizes, and read where those changed. What cannot be read
or run says so once, in the log and in an event of the node; what ran from it before runs on, until it is mended or
gone. Entries that begin with a dot are not looked at. Source: k8s.io/kubernetes/pkg/kubelet/config/{file,http}.go.
"""

import asyncio
import logging
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kubelet.configuration import Configuration, seconds
from kubelet.static.pods import ManifestError, Origin, StaticPod, read
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
HTTP_TIMEOUT_SECONDS = 10.0
MOST_BYTES = 10 << 20


class _Entry(NamedTuple):
    """What a file is known by: time in nanoseconds, size, inode."""

    changed: int
    size: int
    inode: int


class Manifests:
    """`tell(pods, complete)` hears all of them, by namespace/name, whenever something changed; `complain(message)` is
    told what is wrong."""

    def __init__(
        self,
        configuration: Configuration,
        node: str,
        clock: Clock,
        *,
        tell: Callable[[Mapping[str, StaticPod], bool], None],
        complain: Callable[[str], None],
    ) -> None:
        self._configuration, self._node, self._clock = configuration, node, clock
        self._tell, self._complain = tell, complain
        self._entries: dict[Path, _Entry] = {}
        self._pods: dict[str, Sequence[StaticPod]] = {}  # by path or URL
        self._complaints: dict[str, str] = {}
        self._waits_for = {"file", "http"} if configuration.static_pod_url else {"file"}
        self._body = b""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_files())
            if self._configuration.static_pod_url:
                group.create_task(self._follow_url(self._configuration.static_pod_url))

    async def _follow_files(self) -> None:
        path = Path(self._configuration.static_pod_path) if self._configuration.static_pod_path else None
        while True:
            if self.look(path) or "file" in self._waits_for:
                self._waits_for.discard("file")
                self._publish()
            if path is None:
                return
            await self._clock.sleep(seconds(self._configuration.file_check_frequency))

    def look(self, path: Path | None) -> bool:
        """Whether something changed. The few small files of a directory are read without a thread."""
        found = {each: entry for each in _files(path) if (entry := _entry(each))}
        gone, changed = (
            self._entries.keys() - found.keys(),
            [each for each in found if found[each] != self._entries.get(each)],
        )
        for each in gone:
            self._pods.pop(str(each), None)
            self._complaints.pop(str(each), None)
        for each in sorted(changed):
            try:
                self._take(each.read_bytes(), Origin("file", str(each)))
            except OSError as error:
                self._say(str(each), f"it cannot be read: {error.strerror}")
        self._entries = found
        return bool(gone or changed)

    async def _follow_url(self, url: str) -> None:
        while True:
            try:
                body = await asyncio.to_thread(_fetch, url, self._configuration.static_pod_url_header)
                if body != self._body or "http" in self._waits_for:
                    self._take(body, Origin("http", url))
                    self._body = body
                    self._waits_for.discard("http")
                    self._publish()
            except (OSError, ValueError) as error:
                self._say(url, f"it cannot be had: {error}")
            await self._clock.sleep(seconds(self._configuration.http_check_frequency))

    def _take(self, text: bytes, origin: Origin) -> None:
        try:
            self._pods[origin.place] = read(text, origin, self._node, self._clock.now())
            self._complaints.pop(origin.place, None)
        except ManifestError as error:
            self._say(origin.place, str(error))

    def _publish(self) -> None:
        found: dict[str, StaticPod] = {}
        for place, pods in sorted(self._pods.items()):
            for pod in pods:
                if pod.key in found:
                    self._say(place, f'duplicate pod name "{pod.data["metadata"]["name"]}", ignoring it')
                found.setdefault(pod.key, pod)
        self._tell(found, not self._waits_for)

    def _say(self, place: str, what: str) -> None:
        if self._complaints.get(place) != what:
            self._complaints[place] = what
            log.warning("static pod refused manifest=%s error=%s", place, what)
            self._complain(f"Static pod manifest {place}: {what}")


def _files(path: Path | None) -> Sequence[Path]:
    try:
        if path is None:
            return []
        return [each for each in path.iterdir() if not each.name.startswith(".")] if path.is_dir() else [path]
    except OSError as error:
        log.debug("manifests cannot be listed path=%s error=%s", path, error)
        return []


def _entry(path: Path) -> _Entry | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return _Entry(seen.st_mtime_ns, seen.st_size, seen.st_ino) if stat.S_ISREG(seen.st_mode) else None


def _fetch(url: str, headers: Mapping[str, Sequence[str]]) -> bytes:
    """Errors: OSError, ValueError."""
    request = urllib.request.Request(url, headers={name: ", ".join(values) for name, values in headers.items()})
    if request.type not in ("http", "https"):
        raise ValueError(f"{request.type} is not http or https")
    with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_SECONDS) as answer:
        body: bytes = answer.read(MOST_BYTES)
    if not body:
        raise ValueError(f"zero-length data received from {url}")
    return body
