"""Images on the engine: `kubelet.images.service` says what each verb promises. The pause image is of what we ship."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from docker import auth
from docker.errors import APIError, NotFound

from kubelet.docker.engine import DockerEngine, EngineRefused, absent_is_none
from kubelet.docker.login import own_login
from kubelet.docker.stream import EngineStream, open_stream
from kubelet.images.logins import Login
from kubelet.images.names import checked_name, name_and_tag
from kubelet.images.policy import spell
from kubelet.images.progress import PullProgress
from kubelet.images.service import Disk, StoredImage
from kubelet.pause import image as pause
from kubelet.runtime import ImageError, ImageSeen, RuntimeUnavailable

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)
SILENCE_SECONDS = 60.0  # between two words of progress, as the kubelet's image-pull-progress-deadline
IN_USE = 409


class Images:
    def __init__(self, engine: DockerEngine, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._engine, self._silence = engine, silence_seconds
        self._ids: dict[str, str] = {}  # an image's id to what `image_id` shows; an id's digests hardly change
        self._pause_name = ""
        self._folder = ""

    async def image(self, name: str) -> ImageSeen | None:
        try:
            inspected = await self._engine.call(self._inspect, checked_name(name))
        except EngineRefused as error:  # 400: a name that the engine alone finds wrong
            raise ImageError("InvalidImageName", error.message) from error
        return seen(inspected) if inspected else None

    async def pull(
        self,
        name: str,
        login: Login | None = None,
        progress: PullProgress | None = None,
        patience_seconds: float = SILENCE_SECONDS,
    ) -> ImageSeen:
        repository, tag = name_and_tag(checked_name(name))
        try:
            async with asyncio.timeout(patience_seconds):  # the head comes with the first word
                stream = await self._open(repository, tag, login)
        except TimeoutError as error:
            words = f"the registry gave no answer in {spell(patience_seconds)}: i/o timeout"
            raise ImageError("ErrImagePull", f'failed to pull image "{name}": {words}') from error
        except EngineRefused as error:
            raise ImageError("ErrImagePull", error.message) from error
        async with stream:
            await self._follow(name, stream, progress or PullProgress())
        found = await self.image(name)
        if found is None:
            raise ImageError("ErrImagePull", f'failed to pull image "{name}": the engine does not have it afterwards')
        log.info("image pulled image=%s id=%s", name, found.id)
        return found

    async def _open(self, repository: str, tag: str, login: Login | None) -> EngineStream:
        query = {"fromImage": repository, "tag": tag}
        headers = {"X-Registry-Auth": encoded(login)} if login else {}
        return await open_stream(await self._engine.address(), "POST", "/images/create", query, headers=headers)

    async def _follow(self, name: str, stream: EngineStream, progress: PullProgress) -> None:
        words = stream.objects()
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    word = await anext(words, None)
            except TimeoutError as error:
                why = f'because of no progress for {spell(self._silence)}, latest progress: "{progress}"'
                raise ImageError("ErrImagePull", f'Cancel pulling image "{name}" {why}') from error
            if word is None:
                return
            if "error" in word:
                raise ImageError("ErrImagePull", str(word["error"]))
            progress.word(word)

    async def own_login(self, name: str) -> Login | None:
        return await self._engine.call(own_login, name, os.environ)

    async def stored_images(self) -> Sequence[StoredImage]:
        return await self._ask(self._stored)

    def _stored(self) -> Sequence[StoredImage]:
        client = self._engine.client()
        used = Counter(each["ImageID"] for each in client.containers(all=True))
        return [StoredImage(each["Id"], names(each), each["Size"], used[each["Id"]]) for each in client.images()]

    async def remove_image(self, name: str) -> bool:
        return await self._ask(self._remove, name)

    def _remove(self, name: str) -> bool:
        try:
            self._engine.client().remove_image(name)
        except NotFound:
            return True
        except APIError as error:
            if error.status_code == IN_USE:
                return False
            raise
        log.info("image removed image=%s", name)
        return True

    async def image_disk(self) -> Disk | None:
        return await self._ask(self._disk)

    def _disk(self) -> Disk | None:
        self._folder = self._folder or self._engine.client().info()["DockerRootDir"]
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return None
        return Disk(disk.f_frsize * disk.f_blocks, disk.f_frsize * disk.f_bavail)

    async def _ask(self, work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        """An engine that cannot answer these questions is as good as away."""
        try:
            return await self._engine.call(work, *arguments, **options)
        except EngineRefused as error:
            raise RuntimeUnavailable(error.message) from error

    def _inspect(self, name: str) -> Any:
        return absent_is_none(self._engine.client().inspect_image, name)

    def shown_id(self, id: str) -> str:
        """A container's image as a status shows it. Blocks; the engine is asked once an image."""
        if id not in self._ids:
            inspected = self._inspect(id)
            digests = (inspected or {}).get("RepoDigests") or []
            self._ids[id] = f"docker-pullable://{digests[0]}" if digests else f"docker://{id}"
        return self._ids[id]

    def ensure_pause(self) -> str:
        """The pause image's name, imported into the engine if it is not there. Blocks."""
        client = self._engine.client()
        if not self._pause_name:
            executable = pause.program(architecture(client.info()["Architecture"]))
            self._pause_name = f"{pause.REPOSITORY}:{pause.tag(executable)}"
        if self._inspect(self._pause_name) is None:
            executable = pause.program(architecture(client.info()["Architecture"]))
            client.import_image_from_data(
                pause.archive(executable),
                repository=pause.REPOSITORY,
                tag=pause.tag(executable),
                changes=['ENTRYPOINT ["/pause"]'],
            )
            log.info("pause image imported image=%s", self._pause_name)
        return self._pause_name


def architecture(engine: str) -> str:
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(engine, engine)


def seen(inspected: Mapping[str, Any]) -> ImageSeen:
    user = (inspected.get("Config") or {}).get("User") or ""
    return ImageSeen(inspected["Id"], user, inspected.get("Size") or 0)


def names(listed: Mapping[str, Any]) -> Sequence[str]:
    """Tags first."""
    every = [*(listed.get("RepoTags") or ()), *(listed.get("RepoDigests") or ())]
    return [name for name in every if not name.startswith("<none>")]


def encoded(login: Login) -> str:
    """As X-Registry-Auth carries it."""
    if login.identity_token:
        known = {"identitytoken": login.identity_token, "serveraddress": login.address}
    else:
        known = {"username": login.username, "password": login.password, "serveraddress": login.address}
    return str(auth.encode_header(known).decode())
