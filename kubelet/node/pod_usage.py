"""What pods use of what the node runs short of. Nothing is measured while nobody asks.

memory              the containers' working sets
ephemeral-storage,  writable layers and logs, as the engine tells them, and volumes, as the disk does
inodes
pids                the threads of all processes that are in a container's cgroup
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from kubelet.cgroups.usage import Usage
from kubelet.docker.usage import Reading
from kubelet.node.disk_usage import DiskUsage
from kubelet.node.eviction import ContainerUsage, PodUsage
from kubelet.runtime import RuntimeUnavailable

Look = Callable[[], Awaitable[tuple[Usage, Mapping[str, Reading]]]]
_CONTAINER = re.compile(r"[0-9a-f]{64}")


class PodUsages:
    """`look` reads the node and its containers, by their ids; `root` is the engine's folder."""

    def __init__(self, look: Look, disk: DiskUsage, root: Callable[[], str]) -> None:
        self._look, self._disk, self._root = look, disk, root

    async def read(self, resource: str, uids: Sequence[str]) -> Mapping[str, PodUsage]:
        """By uid, of these pods. Without an engine nothing is known of any."""
        try:
            match resource:
                case "memory":
                    return await self._memory()
                case "pids":
                    return await self._processes()
                case _:
                    return await self._disks(uids)
        except RuntimeUnavailable:
            return {}

    async def _memory(self) -> Mapping[str, PodUsage]:
        _, readings = await self._look()
        found: dict[str, list[ContainerUsage]] = {}
        for reading in readings.values():
            used = ContainerUsage(reading.name, reading.usage.working_set_bytes)
            found.setdefault(reading.ref.uid, []).append(used)
        return {uid: PodUsage(containers) for uid, containers in found.items()}

    async def _processes(self) -> Mapping[str, PodUsage]:
        _, readings = await self._look()
        counts: Counter[str] = Counter()
        for id, threads in (await asyncio.to_thread(threads_of)).items():
            if id in readings:
                counts[readings[id].ref.uid] += threads
        return {uid: PodUsage(processes=count) for uid, count in counts.items()}

    async def _disks(self, uids: Sequence[str]) -> Mapping[str, PodUsage]:
        layers = await self._disk.layers(self._root(), uids)
        volumes = await asyncio.to_thread(lambda: {uid: self._disk.volumes(uid) for uid in uids})
        found = {}
        for uid in uids:
            containers = [ContainerUsage(name, disk_bytes=used) for (of, name), used in layers.items() if of == uid]
            taken = {name: used.bytes for name, used in volumes[uid].items()}
            inodes = sum(used.inodes for used in volumes[uid].values())
            found[uid] = PodUsage(containers, taken, inodes)
        return found


def threads_of(proc: Path = Path("/proc")) -> Mapping[str, int]:
    """How many threads each container has, by its id, as their cgroups name it."""
    found: Counter[str] = Counter()
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            container = _CONTAINER.search((process / "cgroup").read_text(encoding="ascii"))
            if container:
                found[container[0]] += len(list((process / "task").iterdir()))
        except (OSError, UnicodeError):
            continue
    return found
