"""Prepares a pod's volumes under the node's state directory, and takes them away.

    pods/<uid>/volumes/<name>             emptyDir, or the files of a config map, secret, …
    pods/<uid>/images/<id>                an image's files, where the engine does not mount images itself
    pods/<uid>/subpaths/<container>/<n>   what a subPath leads to

`prepare` may be called again at any time: it changes what changed. A volume that cannot be had raises `MountError`.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from kubelet.downward import PodFacts
from kubelet.expansion import expand, missing
from kubelet.runtime import Mount
from kubelet.volumes import empty_dir, host_path, mounts, payload, subpath, writer
from kubelet.volumes import image as image_volume
from kubelet.volumes.beneath import read_beneath
from kubelet.volumes.image import ImageRoots
from kubelet.volumes.objects import Objects
from podling.api.unsupported import PLUGINS
from podling.client.codec import plain

log = logging.getLogger(__name__)
PROPAGATION = {"HostToContainer": "rslave", "Bidirectional": "rshared"}
MOST_ENV_FILE_BYTES = 1 << 20


class MountError(Exception):
    def __init__(self, volume: str, message: str) -> None:
        super().__init__(message)
        self.volume, self.message = volume, message


class Volumes:
    def __init__(self, folder: Path, objects: Objects, images: ImageRoots | None = None) -> None:
        self._folder, self._objects, self.images = folder, objects, images

    def path(self, uid: str, volume: str) -> Path:
        return self._folder / uid / "volumes" / volume

    async def prepare(self, pod: Any, facts: PodFacts) -> None:
        for volume in pod.spec.volumes or ():
            try:
                if payload.is_made_of_files(volume):
                    parts = await self._objects.parts(pod, volume, facts)
                    await asyncio.to_thread(self._prepare_files, pod, volume, payload.files(pod, volume, parts))
                else:
                    await asyncio.to_thread(self._prepare_plain, pod, volume, facts)
            except (payload.PayloadError, OSError, ValueError) as error:
                raise MountError(volume.name, str(error)) from error

    def _prepare_files(self, pod: Any, volume: Any, files: payload.Files) -> None:
        """Only config maps may stand on a disk."""
        path = self.path(pod.metadata.uid, volume.name)
        if volume.configMap is None and os.geteuid() == 0:
            empty_dir.in_memory(path, {"mode": f"{writer.OPEN:o}"})
        writer.write(path, files, fs_group(pod))

    def _prepare_plain(self, pod: Any, volume: Any, facts: PodFacts) -> None:
        if volume.hostPath:
            host_path.check(volume.hostPath.path, volume.hostPath.type or "")
        elif volume.emptyDir:
            path, memory = self.path(pod.metadata.uid, volume.name), facts.allocatable.get("memory", "")
            empty_dir.prepare(path, pod, volume, fs_group(pod), memory)
        elif not volume.image:
            kind = kind_of(volume)
            raise payload.PayloadError(f"{kind}: {PLUGINS.get(kind, 'podling has no such volumes')}")

    async def prepare_images(self, pod: Any, images: Mapping[str, str]) -> Mapping[str, Path | str]:
        """By volume, of the ids of its images: where their files are, or the id where the engine mounts it itself.
        Errors: `MountError`."""
        found: dict[str, Path | str] = {}
        for volume, image in images.items():
            place = self._folder / pod.metadata.uid / "images" / image.rpartition(":")[2][:12]
            try:
                place.parent.mkdir(parents=True, exist_ok=True)  # first of all: `remove` knows by it what to release
                layers = await self.images.layers(image, pod.metadata.uid) if self.images else ()
                if layers:
                    await asyncio.to_thread(image_volume.mount, place, layers)
            except (image_volume.NoImageRoot, OSError) as error:
                raise MountError(volume, f'failed to mount image volume "{volume}": {error}') from error
            found[volume] = place if layers else image
        return found

    def mounts(
        self,
        pod: Any,
        container: Any,
        environment: Mapping[str, str],
        recursive_read_only: bool = False,
        images: Mapping[str, Path | str] = MappingProxyType({}),
    ) -> Sequence[Mount]:
        """What a container mounts of the prepared volumes; `recursive_read_only` tells whether the engine can mount so.
        Errors: `MountError`, in the words of Kubernetes' kubelet, which tell nothing of what the host has."""
        by_name = {volume.name: volume for volume in pod.spec.volumes or ()}
        found = []
        for index, each in enumerate(container.volumeMounts or ()):
            if each.name not in by_name:
                raise MountError(
                    each.name, f'cannot find volume "{each.name}" to mount into container "{container.name}"'
                )
            volume, inner = by_name[each.name], _sub_path(each, environment)
            if volume.image and isinstance(image := images[each.name], str):
                found.append(Mount(image, each.mountPath, True, of_image=True, sub_path=inner))
                continue
            source = self._source(pod, volume, images)
            if inner:
                place = self._folder / pod.metadata.uid / "subpaths" / container.name / str(index)
                source = self._bound(container, each, source, inner, place, make=volume.image is None)
            found.append(
                Mount(
                    source=str(source),
                    target=each.mountPath,
                    read_only=bool(each.readOnly) or payload.is_made_of_files(volume),
                    propagation=PROPAGATION.get(each.mountPropagation or "", "rprivate"),
                    recursive_read_only=_is_recursive(each, recursive_read_only),
                )
            )
        return found

    def _source(self, pod: Any, volume: Any, images: Mapping[str, Path | str]) -> Path:
        if volume.hostPath:
            return Path(volume.hostPath.path)
        return Path(images[volume.name]) if volume.image else self.path(pod.metadata.uid, volume.name)

    def _bound(self, container: Any, mount: Any, source: Path, inner: str, place: Path, *, make: bool) -> Path:
        try:
            return subpath.safe(source, inner, place, make=make)
        except OSError as error:
            log.info("sub path refused volume=%s container=%s error=%s", source, container.name, error)
            where = f'volumeMount "{mount.name}" of container "{container.name}"'
            raise MountError(mount.name, f"failed to prepare subPath for {where}") from error

    def text(self, pod: Any, volume: str, path: str) -> str | None:
        """What stands in a file of a prepared volume; None where there is none that may be read."""
        try:
            raw = read_beneath(self.path(pod.metadata.uid, volume), path, MOST_ENV_FILE_BYTES)
        except OSError as error:
            log.info("file of a volume not read volume=%s path=%s error=%s", volume, path, error)
            return None
        return raw.decode(errors="replace")

    async def remove(self, uid: str) -> None:
        """Everything of a pod; nothing when there is nothing."""
        if self.images and (self._folder / uid / "images").exists():
            await asyncio.to_thread(mounts.unmount_below, self._folder / uid / "images")
            await self.images.release(uid)
        await asyncio.to_thread(self._remove, uid)

    def _remove(self, uid: str) -> None:
        """Nothing is deleted while a mount is left: behind it are the host's own files."""
        folder = self._folder / uid
        if folder.exists():
            mounts.unmount_below(folder)
            shutil.rmtree(folder)

    def known(self) -> Sequence[str]:
        """The uids that have something on disk."""
        return [entry.name for entry in self._folder.iterdir()] if self._folder.exists() else []


def _is_recursive(mount: Any, engine_can: bool) -> bool:
    asked = mount.recursiveReadOnly or "Disabled"
    if asked == "Enabled" and not engine_can:
        words = f'volume "{mount.name}" requested recursive read-only mode, but it is not supported by the runtime'
        raise MountError(mount.name, f"failed to resolve recursive read-only mode: {words}")
    return asked != "Disabled" and engine_can


def fs_group(pod: Any) -> int | None:
    context = pod.spec.securityContext
    group: int | None = context.fsGroup if context and os.geteuid() == 0 else None
    return group


def kind_of(volume: Any) -> str:
    return next((name for name in plain(volume) if name != "name"), "unknown")


def changes_by_itself(pod: Any) -> bool:
    """Whether a volume follows objects that may change, or holds a token that must be renewed."""
    return any(payload.is_made_of_files(volume) for volume in pod.spec.volumes or ())


def _sub_path(mount: Any, environment: Mapping[str, str]) -> str:
    if mount.subPathExpr and (unknown := missing(mount.subPathExpr, environment)):
        raise MountError(mount.name, f"missing value for {', '.join(unknown)}")
    path: str = mount.subPath or expand(mount.subPathExpr or "", environment)
    if path.startswith("/"):
        raise MountError(mount.name, f"error SubPath `{path}` must not be an absolute path")
    if ".." in PurePosixPath(path).parts:
        raise MountError(mount.name, f"unable to provision SubPath `{path}`: must not contain '..'")
    return path
