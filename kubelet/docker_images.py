"""Images: names as people write them, pulls that give up in seconds, and the pause image made from what we ship."""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from docker import auth

from kubelet.docker_engine import DockerEngine, EngineRefused, absent_is_none
from kubelet.docker_stream import EngineStream, open_stream
from kubelet.pause import image as pause
from kubelet.runtime import ImageError, ImageSeen

log = logging.getLogger(__name__)
FIRST_WORD_SECONDS = 10.0  # for a registry to say anything: one out of reach costs no more
SILENCE_SECONDS = 60.0  # between two words of progress

# The grammar of github.com/distribution/reference: [host[:port]/]path[:tag][@digest].
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:localhost|{_LABEL}(?:(?:\.{_LABEL})+|(?=:)))(?::[0-9]+)?"  # without a dot or a port it is no host
REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::(?P<tag>[\w][\w.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
ID = re.compile(r"(sha256:)?[0-9a-f]{64}")


def checked_name(name: str) -> str:
    """The name, if it is one. Errors: ImageError InvalidImageName."""
    if REFERENCE.fullmatch(name) or ID.fullmatch(name):
        return name
    lower = REFERENCE.fullmatch(name.lower())
    why = "repository name must be lowercase" if lower else "invalid reference format"
    raise ImageError(
        "InvalidImageName", f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": {why}'
    )


def name_and_tag(name: str) -> tuple[str, str]:
    """What the engine's pull takes: the repository, and the digest or the tag; no tag is "latest"."""
    found = REFERENCE.fullmatch(name)
    if not found:
        return name, ""
    if found["digest"]:
        return name.partition("@")[0], found["digest"]
    if found["tag"]:
        return name[: -len(found["tag"]) - 1], found["tag"]
    return name, "latest"


class Images:
    """Errors of every method: RuntimeUnavailable; ImageError where it is named."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine
        self._ids: dict[str, str] = {}  # an image's id to what `image_id` shows; an id's digests hardly change
        self._pause_name = ""

    async def image(self, name: str) -> ImageSeen | None:
        try:
            inspected = await self._engine.call(self._inspect, checked_name(name))
        except EngineRefused as error:  # 400: a name that the engine alone finds wrong
            raise ImageError("InvalidImageName", error.message) from error
        return seen(inspected) if inspected else None

    async def pull(self, name: str, credentials: Sequence[Mapping[str, str]]) -> ImageSeen:
        """Each login in turn, then the machine's own, then none. The last refusal is the one that is told."""
        repository, tag = name_and_tag(checked_name(name))
        refusal = ImageError("ErrImagePull", f'failed to pull image "{name}"')
        for login in await self._logins(repository, credentials):
            try:
                await self._pull(repository, tag, login)
            except ImageError as error:
                refusal = error
                continue
            found = await self.image(name)
            if found:
                return found
        raise refusal

    async def _logins(self, repository: str, credentials: Sequence[Mapping[str, str]]) -> list[str]:
        """As X-Registry-Auth headers."""
        logins = [auth.encode_header(dict(login)).decode() for login in credentials]
        registry, _ = auth.resolve_repository_name(repository)
        own = await self._engine.call(lambda: auth.resolve_authconfig(auth.load_config(), registry))
        return [*logins, auth.encode_header(own).decode() if own else ""]

    async def _pull(self, repository: str, tag: str, login: str) -> None:
        query = {"fromImage": repository, "tag": tag}
        headers = {"X-Registry-Auth": login} if login else {}
        full = f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"
        limit = FIRST_WORD_SECONDS
        try:
            async with asyncio.timeout(limit):  # the head comes with the first word
                stream = await open_stream(
                    await self._engine.address(), "POST", "/images/create", query, headers=headers
                )
            async with stream:
                limit = SILENCE_SECONDS
                await self._follow(full, stream)
        except TimeoutError as error:
            message = f'failed to pull image "{full}": the registry gave no answer in {limit:.0f} s: i/o timeout'
            raise ImageError("ErrImagePull", message) from error
        except EngineRefused as error:
            raise ImageError("ErrImagePull", error.message) from error
        log.info("image pulled image=%s", full)

    async def _follow(self, name: str, stream: EngineStream) -> None:
        words = stream.objects()
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                word = await anext(words, None)
            if word is None:
                return
            if "error" in word:
                raise ImageError("ErrImagePull", f'failed to pull image "{name}": {word["error"]}')

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
    return ImageSeen(inspected["Id"], (inspected.get("Config") or {}).get("User") or "")
