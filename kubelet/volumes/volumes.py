"""Prepares a pod's volumes under the node's state directory, and takes them away.

    pods/<uid>/volumes/<name>             emptyDir, or the files of a config map, secret, …
    pods/<uid>/subpaths/<container>/<n>   what a subPath leads to

`prepare` may be called again at any time: it changes what changed. A volume that cannot be had raises `MountError`.
"""

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubelet.downward import PodFacts
from kubelet.expansion import expand
from kubelet.runtime import Mount
from kubelet.volumes import mounts, payload, subpath, writer
from kubelet.volumes.objects import Objects
from kubelet.volumes.subpath import SubPathError
from podling.api import quantity
from podling.client.codec import plain

PROPAGATION = {"HostToContainer": "rslave", "Bidirectional": "rshared"}


class MountError(Exception):
    def __init__(self, volume: str, message: str) -> None:
        super().__init__(message)
        self.volume, self.message = volume, message


class Volumes:
    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder, self._objects = folder, objects

    def path(self, uid: str, volume: str) -> Path:
        return self._folder / uid / "volumes" / volume

    async def prepare(self, pod: Any, facts: PodFacts) -> None:
        for volume in pod.spec.volumes or ():
            try:
                if payload.is_made_of_files(volume):
                    parts = await self._objects.parts(pod, volume, facts)
                    found = payload.files(pod, volume, parts)
                    await asyncio.to_thread(
                        writer.write, self.path(pod.metadata.uid, volume.name), found, fs_group(pod)
                    )
                else:
                    await asyncio.to_thread(self._prepare_plain, pod, volume)
            except (payload.PayloadError, OSError, ValueError) as error:
                raise MountError(volume.name, str(error)) from error

    def _prepare_plain(self, pod: Any, volume: Any) -> None:
        if volume.hostPath:
            _check_host_path(volume.hostPath.path, volume.hostPath.type or "")
        elif volume.emptyDir:
            self._prepare_empty(pod, volume)
        else:
            raise payload.PayloadError(f"podling does not support volumes of the kind {kind_of(volume)} yet")

    def _prepare_empty(self, pod: Any, volume: Any) -> None:
        path, medium = self.path(pod.metadata.uid, volume.name), volume.emptyDir.medium or ""
        path.mkdir(parents=True, exist_ok=True)
        if medium == "Memory":
            size = volume.emptyDir.sizeLimit
            if not mounts.is_mounted(path):
                mounts.mount_tmpfs(path, quantity.parse(size).value if size else None)
        elif medium:
            raise payload.PayloadError(f"podling does not support the emptyDir medium {medium}")
        group = fs_group(pod)
        if group is not None:
            os.chown(path, -1, group)
        path.chmod(0o777 if group is None else 0o2777)

    def mounts(self, pod: Any, container: Any, environment: Mapping[str, str]) -> Sequence[Mount]:
        """What a container mounts of the prepared volumes; raises `MountError`."""
        by_name = {volume.name: volume for volume in pod.spec.volumes or ()}
        found = []
        for index, each in enumerate(container.volumeMounts or ()):
            volume = by_name[each.name]
            source = Path(volume.hostPath.path) if volume.hostPath else self.path(pod.metadata.uid, volume.name)
            inner = each.subPath or (expand(each.subPathExpr, environment) if each.subPathExpr else "")
            if inner:
                place = self._folder / pod.metadata.uid / "subpaths" / container.name / str(index)
                try:
                    source = subpath.safe(source, inner, place)
                except (SubPathError, OSError) as error:
                    raise MountError(volume.name, str(error)) from error
            read_only = bool(each.readOnly) or payload.is_made_of_files(volume)
            propagation = PROPAGATION.get(each.mountPropagation or "", "rprivate")
            found.append(Mount(str(source), each.mountPath, read_only, propagation))
        return found

    async def remove(self, uid: str) -> None:
        """Everything of a pod; nothing when there is nothing."""
        await asyncio.to_thread(self._remove, uid)

    def _remove(self, uid: str) -> None:
        folder = self._folder / uid
        if folder.exists():
            mounts.unmount_below(folder)
            shutil.rmtree(folder)

    def known(self) -> Sequence[str]:
        """The uids that have something on disk."""
        return [entry.name for entry in self._folder.iterdir()] if self._folder.exists() else []


def fs_group(pod: Any) -> int | None:
    context = pod.spec.securityContext
    group: int | None = context.fsGroup if context and os.geteuid() == 0 else None
    return group


def kind_of(volume: Any) -> str:
    return next((name for name in plain(volume) if name != "name"), "unknown")


def changes_by_itself(pod: Any) -> bool:
    """Whether a volume follows objects that may change, or holds a token that must be renewed."""
    return any(payload.is_made_of_files(volume) for volume in pod.spec.volumes or ())


def _make_directory(path: Path) -> None:
    path.mkdir(mode=0o755, parents=True, exist_ok=True)


def _make_file(path: Path) -> None:
    path.touch(mode=0o644)


_MAKERS: dict[str, Callable[[Path], None]] = {"DirectoryOrCreate": _make_directory, "FileOrCreate": _make_file}
_KINDS: dict[str, tuple[Callable[[int], bool], str]] = {
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "Directory": (stat.S_ISDIR, "a directory"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def _check_host_path(name: str, kind: str) -> None:
    """Source of the words: k8s.io/kubernetes/pkg/volume/hostpath."""
    if not kind:
        return
    path = Path(name)
    if kind in _MAKERS and not path.exists():
        _MAKERS[kind](path)
    check, words = _KINDS[kind]
    if not path.exists() or not check(path.stat().st_mode):
        raise payload.PayloadError(f"hostPath type check failed: {name} is not {words}")
