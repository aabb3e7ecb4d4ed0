"""Where the engine keeps the files of its images, for image volumes. `kubelet.volumes.image` says what is promised.

A container that is never started holds each image for its pod: neither `docker rmi` nor the collection of images takes
the layers away under a mount.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError

from kubelet.docker.engine import DockerEngine, EngineRefused, absent_is_none
from kubelet.docker.spec import CLUSTER, NODE, label_filter
from kubelet.runtime import RuntimeUnavailable
from kubelet.volumes.image import NoImageRoot

MOUNTS_IMAGES_API = (1, 48)
HELD_FOR, HELD_BY_NODE = "podling.image-volume-of", "podling.image-volume-node"
THERE_ALREADY = 409


class DockerImageRoots:
    def __init__(self, engine: DockerEngine, owner: Mapping[str, str]) -> None:
        """`owner` are the labels of the node's containers; holders have others, since they belong to no sandbox."""
        self._engine = engine
        self._labels = {CLUSTER: owner[CLUSTER], HELD_BY_NODE: owner[NODE]}

    async def layers(self, image: str, uid: str) -> Sequence[str]:
        try:
            return await self._engine.call(self._layers, image, uid)
        except EngineRefused as error:
            raise NoImageRoot(error.message) from error

    def _layers(self, image: str, uid: str) -> Sequence[str]:
        client = self._engine.client()
        if tuple(int(part) for part in client.api_version.split(".")) >= MOUNTS_IMAGES_API:
            return ()
        inspected = client.inspect_image(image)
        config = {
            "Image": image,
            "Cmd": ["never"],
            "Labels": {**self._labels, HELD_FOR: uid},
            "HostConfig": {"NetworkMode": "none"},
        }
        try:
            client.create_container_from_config(config, f"podling_image_{uid}_{image.rpartition(':')[2][:12]}")
        except APIError as error:
            if error.status_code != THERE_ALREADY:
                raise
        return layers_of(inspected)

    async def release(self, uid: str) -> None:
        try:
            await self._engine.call(self._release, uid)
        except EngineRefused as error:
            raise RuntimeUnavailable(error.message) from error

    def _release(self, uid: str) -> None:
        client = self._engine.client()
        for held in client.containers(all=True, filters=label_filter({**self._labels, HELD_FOR: uid})):
            absent_is_none(lambda id: client.remove_container(id, force=True, v=True), held["Id"])


def layers_of(inspected: Mapping[str, Any]) -> Sequence[str]:
    """Topmost first, by the short links that the engine itself mounts by where it has them. Errors: NoImageRoot."""
    driver = inspected.get("GraphDriver") or {}
    data = driver.get("Data") or {}
    if driver.get("Name") != "overlay2" or not data.get("UpperDir"):
        name = driver.get("Name") or "containerd"
        raise NoImageRoot(f"image volumes need Docker 28, or its overlay2 storage driver; this engine has {name}")
    folders = [data["UpperDir"], *(data.get("LowerDir") or "").split(":")]
    layers = [_short(Path(folder)) for folder in folders if folder]
    if missing := next((layer for layer in layers if not Path(layer).is_dir()), ""):
        raise NoImageRoot(f"image volumes need the Docker engine on this machine, or Docker 28: there is no {missing}")
    return layers


def _short(folder: Path) -> str:
    """/var/lib/docker/overlay2/<64 digits>/diff as /var/lib/docker/overlay2/l/<26 letters>."""
    try:
        link = folder.parent.parent / "l" / (folder.parent / "link").read_text().strip()
    except OSError:
        return str(folder)
    return str(link) if link.is_dir() else str(folder)
