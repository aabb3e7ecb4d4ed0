"""How much of the node's disk each pod uses: writable layers, logs, volumes. Walks folders: for threads."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from kubelet.docker import spec
from kubelet.docker.engine import DockerEngine


class Used(NamedTuple):
    """Blocks that are taken, not the length of files: what is sparse takes less."""

    bytes: int = 0
    inodes: int = 0


def used_by(folder: Path) -> Used:
    """All below a folder on its own file system; what goes meanwhile is not counted, nor is a file with two names
    counted twice."""
    try:
        device = folder.lstat().st_dev
    except OSError:
        return Used()
    total, seen, waiting = 0, set(), [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_dev != device or stat.st_ino in seen:
                        continue
                    seen.add(stat.st_ino)
                    total += stat.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
        except OSError:
            continue
    return Used(total, len(seen))


class DiskUsage:
    """`pods` is the folder of all pods' volumes."""

    def __init__(self, connection: DockerEngine, owner: Mapping[str, str], pods: Path) -> None:
        self._connection, self._owner, self._pods = connection, owner, pods

    async def layers(self, root: str, uids: Iterable[str]) -> Mapping[tuple[str, str], int]:
        """Bytes of containers' writable layers and logs, by the pod's uid and the container's name. `root` is the
        engine's folder. Errors: RuntimeUnavailable."""
        return await self._connection.call(self._layers, Path(root) if root else None, list(uids))

    def _layers(self, root: Path | None, uids: list[str]) -> Mapping[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for uid in uids:
            wanted = spec.label_filter({**self._owner, spec.POD_UID: uid})
            for each in self._connection.client().containers(all=True, size=True, filters=wanted):
                key = (uid, each["Labels"].get(spec.CONTAINER_NAME, ""))
                log = used_by(root / "containers" / each["Id"]).bytes if root else 0
                found[key] = found.get(key, 0) + int(each.get("SizeRw") or 0) + log
        return found

    def volumes(self, uid: str) -> Mapping[str, Used]:
        """On the node's disk; those in memory are another matter."""
        folder = self._pods / uid / "volumes"
        try:
            device = folder.stat().st_dev
            names = [each.name for each in folder.iterdir() if each.is_dir() and each.stat().st_dev == device]
        except OSError:
            return {}
        return {name: used_by(folder / name) for name in names}
