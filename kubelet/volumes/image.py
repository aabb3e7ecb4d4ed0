"""Image volumes: an image's files, read-only and not to be executed.

Engines from 28 on mount images into containers themselves. Before, the directories of the image's layers are laid over
each other at a place of ours, which is bound into the container like every other volume.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from kubelet.volumes import mounts

MOST_OPTIONS_BYTES = 4095  # of one mount(2): a page


class NoImageRoot(Exception):
    """The image's files cannot be reached; says why."""


class ImageRoots(Protocol):
    async def layers(self, image: str, uid: str) -> Sequence[str]:
        """The directories of an image (its id) on this machine, the topmost first; kept for the pod until it releases
        them, whoever removes the image. Empty where the engine mounts images itself. Errors: NoImageRoot,
        RuntimeUnavailable."""

    async def release(self, uid: str) -> None:
        """The pod needs no image any more. Errors: RuntimeUnavailable."""


def mount(place: Path, layers: Sequence[str]) -> None:
    """Unless it is there already. Errors: `NoImageRoot`, OSError."""
    if os.geteuid() != 0:
        raise NoImageRoot("image volumes need podling to run as root, or Docker 28")
    if len(":".join(layers)) > MOST_OPTIONS_BYTES - len("lowerdir="):
        raise NoImageRoot(f"the image has too many layers to be mounted without Docker 28: {len(layers)}")
    place.mkdir(parents=True, exist_ok=True)
    if not mounts.is_mounted(place):
        mounts.mount_layers(place, layers)
