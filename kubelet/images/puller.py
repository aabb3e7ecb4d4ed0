"""Sees to it that an image is there before a container or a volume needs it: Kubernetes' EnsureImageExists.

    ensure ──▶ inspect ──▶ judge ──▶ READY                                     the image
                              ├────▶ REFUSED                                   ImageError
                              └────▶ PULL ──▶ a task in the background         None; `done` is called at its end, and
                                     bound ──▶ each login in turn ──▶ record   who then asks again gets what came of it

A pull ends with the pod that wants it. Pulls run beside each other up to a bound; layers that two of them share are
fetched once, by the engine. A pull that takes its time tells in Events how far it is.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kubelet.environment import Source
from kubelet.images import policy as images
from kubelet.images.logins import BadSecret, Login, logins
from kubelet.images.names import tagged
from kubelet.images.progress import PullProgress
from kubelet.images.pulled import PulledImages
from kubelet.images.service import ImageService
from kubelet.runtime import ImageError, ImageSeen, RuntimeUnavailable
from kubelet.volumes.objects import Objects
from podling.api.errors import ApiError
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
AT_ONCE = 5
PATIENCE_SECONDS = 60.0  # for a registry to say anything
SHORT_PATIENCE_SECONDS = 10.0  # the same, where the engine has the image anyway
FALLBACK_SECONDS = 300.0  # how long a registry that did not answer is not asked again for an image that is there
FIRST_PROGRESS_SECONDS = 10.0  # until the first Event of progress; then twice as long each time, for Events are few


class Ask(NamedTuple):
    """`purpose` tells the wants of one pod apart: a container and its attempt, a volume. `tell(type, reason, message)`
    makes an Event; `left` is set when the pod leaves."""

    pod: Any
    purpose: str
    image: str
    policy: str
    tell: Callable[[str, str, str], None]
    done: Callable[[], None]
    left: asyncio.Event


class ImagePuller:
    def __init__(
        self, service: ImageService, objects: Objects, pulled: PulledImages, clock: Clock, at_once: int = AT_ONCE
    ) -> None:
        self._images, self._objects, self._pulled, self._clock = service, objects, pulled, clock
        self._bound = asyncio.Semaphore(at_once)
        self._pulls: dict[tuple[str, str], asyncio.Task[ImageSeen | ImageError]] = {}
        self._present_until: dict[str, datetime] = {}

    async def ensure(self, ask: Ask) -> ImageSeen | None:
        """The image; None while it is pulled. Errors: ImageError, RuntimeUnavailable."""
        key = (ask.pod.metadata.uid, ask.purpose)
        if key in self._pulls:
            return self._outcome(key)
        try:
            seen = await self._images.image(ask.image)
        except ImageError as error:
            ask.tell("Warning", "InspectFailed", error.message)
            raise
        known = await self._logins(ask)
        may_use = seen is not None and self._pulled.may_use(seen.id, ask.image, known)
        policy = "IfNotPresent" if may_use and ask.policy == "Always" and self._is_fallback(ask.image) else ask.policy
        verdict = images.judge(policy, seen, may_use)
        if verdict is images.Verdict.READY and seen:
            ask.tell("Normal", "Pulled", images.present_message(ask.image))
            return seen
        if verdict is images.Verdict.REFUSED:
            message = images.never_message(ask.image)
            ask.tell("Warning", "ErrImageNeverPull", message)
            raise ImageError("ErrImageNeverPull", message)
        if key not in self._pulls:  # else somebody began meanwhile
            self._pulls[key] = asyncio.create_task(self._pull(ask, known, seen if may_use else None))
            self._pulls[key].add_done_callback(lambda _: ask.done())
        return None

    def _outcome(self, key: tuple[str, str]) -> ImageSeen | None:
        if not self._pulls[key].done():
            return None
        outcome = self._pulls.pop(key).result()
        if isinstance(outcome, ImageError):
            raise outcome
        return outcome

    async def _pull(self, ask: Ask, known: Sequence[Login], fallback: ImageSeen | None) -> ImageSeen | ImageError:
        pull = asyncio.ensure_future(self._pull_and_tell(ask, known, fallback))
        left = asyncio.ensure_future(ask.left.wait())
        try:
            await asyncio.wait({pull, left}, return_when=asyncio.FIRST_COMPLETED)
            return pull.result() if pull.done() else ImageError("ErrImagePull", "the pod leaves")
        finally:
            pull.cancel()
            left.cancel()

    async def _pull_and_tell(
        self, ask: Ask, known: Sequence[Login], fallback: ImageSeen | None
    ) -> ImageSeen | ImageError:
        asked = self._clock.monotonic()
        ask.tell("Normal", "Pulling", f'Pulling image "{ask.image}"')
        try:
            async with self._bound:
                began = self._clock.monotonic()
                seen = await self._try_logins(ask, known, SHORT_PATIENCE_SECONDS if fallback else PATIENCE_SECONDS)
        except ImageError as error:
            return self._not_pulled(ask, error, fallback)
        except RuntimeUnavailable as error:
            return self._not_pulled(ask, ImageError("ErrImagePull", str(error)), fallback)
        ended = self._clock.monotonic()
        message = images.pulled_message(ask.image, ended - began, ended - asked, seen.size_bytes)
        ask.tell("Normal", "Pulled", message)
        return seen

    def _not_pulled(self, ask: Ask, error: ImageError, fallback: ImageSeen | None) -> ImageSeen | ImageError:
        """An image that the engine has is used, though `Always` asks the registry first: what was built here a moment
        ago, under a name without a tag, is in no registry."""
        meta = ask.pod.metadata
        log.info("image not pulled pod=%s/%s image=%s error=%s", meta.namespace, meta.name, ask.image, error.message)
        if fallback is None:
            ask.tell("Warning", "Failed", f'Failed to pull image "{ask.image}": {error.message}')
            return error
        words = f"{images.present_message(ask.image)}; the registry does not give it: {error.message}"
        ask.tell("Normal", "Pulled", words)
        self._present_until[ask.image] = self._clock.now() + timedelta(seconds=FALLBACK_SECONDS)
        return fallback

    async def _try_logins(self, ask: Ask, known: Sequence[Login], patience_seconds: float) -> ImageSeen:
        """The pod's, then the machine's own; none only where there is none. Errors: ImageError, all of them in one."""
        own = await self._images.own_login(ask.image)
        tried: list[Login | None] = [*known, *([own] if own else [])]
        refusals: list[ImageError] = []
        for login in tried or [None]:
            progress = PullProgress()
            telling = asyncio.ensure_future(self._tell_progress(ask, progress))
            try:
                seen = await self._images.pull(ask.image, login, progress, patience_seconds)
            except ImageError as error:
                refusals.append(error)
            else:
                self._pulled.note(seen.id, ask.image, tagged(ask.image), login)
                return seen
            finally:
                telling.cancel()
        messages = list(dict.fromkeys(each.message for each in refusals))
        text = messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"
        raise ImageError(refusals[0].reason, text)

    async def _tell_progress(self, ask: Ask, progress: PullProgress) -> None:
        told, seconds = "", FIRST_PROGRESS_SECONDS
        while True:
            await self._clock.sleep(seconds)
            seconds *= 2
            if (words := str(progress)) != told:
                ask.tell("Normal", "Pulling", f'Pulling image "{ask.image}": {words}')
                told = words

    async def _logins(self, ask: Ask) -> Sequence[Login]:
        """Of the pod's pull secrets, as far as they can be had. Errors: ImageError."""
        namespace, missing, secrets = ask.pod.metadata.namespace, [], []
        for reference in ask.pod.spec.imagePullSecrets or ():
            secret = await self._secret(reference.name, namespace)
            if secret is None:
                missing.append(reference.name or "")
            else:
                secrets.append(secret)
        if missing:
            words = f"Unable to retrieve some image pull secrets ({', '.join(sorted(missing))})"
            advice = "attempting to pull the image may not succeed."
            ask.tell("Warning", "FailedToRetrieveImagePullSecret", f"{words}; {advice}")
        try:
            return logins(secrets, ask.image)
        except BadSecret as error:
            ask.tell("Warning", "Failed", f'Failed to pull image "{ask.image}": {error}')
            raise ImageError("ErrImagePull", str(error)) from error

    async def _secret(self, name: str | None, namespace: str) -> Any | None:
        """None also where the API server does not give it: without it the pull may succeed."""
        try:
            return await self._objects.get(Source("Secret", name), namespace) if name else None
        except ApiError as error:
            log.info("pull secret not read secret=%s/%s error=%s", namespace, name, error)
            return None

    def _is_fallback(self, image: str) -> bool:
        until = self._present_until.get(image)
        return until is not None and self._clock.now() < until

    def forget(self, uid: str) -> None:
        """A pod has gone: nothing more is pulled for it."""
        for key in [key for key in self._pulls if key[0] == uid]:
            self._pulls.pop(key).cancel()

    async def close(self) -> None:
        tasks = list(self._pulls.values())
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
