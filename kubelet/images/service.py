"""The engine's images: the seam beside `kubelet.runtime`, as CRI has an ImageService beside its RuntimeService.

`kubelet.docker.images.Images` is the real one, `kubelet.fake.FakeRuntime` serves both in memory; one contract suite
runs over both (`tests/contracts/test_images.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kubelet.images.logins import Login
from kubelet.images.progress import PullProgress
from kubelet.runtime import ImageSeen


class StoredImage(NamedTuple):
    """`names` have their tag or digest. `containers` counts those made of it, anybody's, running or not."""

    id: str
    names: Sequence[str]
    size_bytes: int
    containers: int = 0


class Disk(NamedTuple):
    """The file system that holds the images."""

    capacity_bytes: int
    available_bytes: int


class ImageService(Protocol):
    """Errors of every verb: RuntimeUnavailable."""

    async def image(self, name: str) -> ImageSeen | None:
        """The image on the engine, None when it would have to be pulled. Errors: ImageError InvalidImageName."""

    async def pull(
        self, name: str, login: Login | None = None, progress: PullProgress | None = None, patience_seconds: float = 60
    ) -> ImageSeen:
        """From a registry; `progress` is kept up to date meanwhile. Cancelling ends it on the engine, too. Errors:
        ImageError says why not, a registry that is silent for `patience_seconds` at the start included."""

    async def own_login(self, name: str) -> Login | None:
        """The machine's, as `docker login` left it, for the registry of an image."""

    async def stored_images(self) -> Sequence[StoredImage]: ...

    async def remove_image(self, name: str) -> bool:
        """Takes a name from its image, and the image with its last one. False: it is in use, and stays."""

    async def image_disk(self) -> Disk | None:
        """None where the engine's disk is another machine's."""
