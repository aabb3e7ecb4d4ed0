"""Starts one container of a pod: its image, its environment, its mounts, then the engine.

What keeps it from starting becomes a hold in the pod's memory, an event, and what kubectl shows.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from kubelet.downward import PodFacts
from kubelet.environment import ConfigError
from kubelet.hooks import post_start
from kubelet.images import policy as images
from kubelet.images.puller import Ask, ImagePuller
from kubelet.memory import Hold, Memory, Waiting
from kubelet.probes.handlers import Handlers, Place
from kubelet.resolving import Resolver
from kubelet.runtime import ContainerError, ImageError, ImageSeen, Runtime
from kubelet.volumes.objects import Objects
from kubelet.volumes.volumes import MountError, Volumes
from kubelet.wanted import NodeFacts, container_of, container_wanted, ref_of
from podling.api.pod_defaults import pull_policy
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
CONFIG_RETRY_SECONDS = 10.0


class Job(NamedTuple):
    """`event(type, reason, message, container)`; `poke()` has the pod looked at again; `restarts`: an instance ended
    before; `left` is set when the pod leaves."""

    pod: Any
    memory: Memory
    event: Callable[[str, str, str, str], None]
    poke: Callable[[], None]
    sandbox_id: str
    ip: str
    name: str
    attempt: int
    restarts: bool
    left: asyncio.Event
    running: Mapping[str, str] = MappingProxyType({})  # ids of members, by name

    @property
    def image(self) -> str:
        return str(container_of(self.pod, self.name).image)

    def tell(self, reason: str, message: str, type_: str = "Normal") -> None:
        self.event(type_, reason, message, self.name)


class Launcher:
    def __init__(
        self,
        runtime: Runtime,
        objects: Objects,
        volumes: Volumes,
        clock: Clock,
        *,
        puller: ImagePuller,
        handlers: Handlers,
        starts: asyncio.Semaphore,
        node: Callable[[], NodeFacts],
        services: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        """`starts` bounds how many the engine starts at once; `services` are those of the cluster."""
        self._runtime, self._objects, self._clock = runtime, objects, clock
        self._resolver = Resolver(objects, volumes, node, services)
        self._images, self._handlers, self._starts, self._node = puller, handlers, starts, node
        self._mounted: dict[tuple[str, str, int, str], str] = {}  # pod, container, attempt, volume: an image's id

    def facts(self, pod: Any, ip: str) -> PodFacts:
        return self._resolver.facts(pod, ip)

    async def launch(self, job: Job) -> None:
        mounted = await self._volume_images(job)
        image = await self._image(job) if mounted is not None else None
        if image is None or mounted is None:
            return
        now, news = self._clock.now(), job.memory.news
        try:
            container = container_of(job.pod, job.name)
            resolved = await self._resolver.resolve(job.pod, container, job.ip, image, mounted)
            wanted = container_wanted(job.pod, job.name, job.attempt, self._node(), resolved)
            wanted = replace(wanted, processes_of=_target(job))
        except (ConfigError, MountError) as error:
            job.tell("Failed", f"Error: {error}", "Warning")
            shown = Waiting("CreateContainerConfigError", str(error))
            # What changed while it was read had no hold to end: read it again at once.
            seconds = CONFIG_RETRY_SECONDS if job.memory.news == news else 0
            job.memory.holds[job.name] = Hold(now, now + timedelta(seconds=seconds), shown)
            return
        if job.restarts:
            job.memory.crashes.grow(job.name, now)
        try:
            async with self._starts:
                id = await self._runtime.start_container(job.sandbox_id, wanted)
        except ContainerError as error:
            self._refused(job, error)
        else:
            job.tell("Created", "Container created")
            job.tell("Started", "Container started")
            await self._post_start(job, id)

    async def _post_start(self, job: Job, id: str) -> None:
        """A hook that fails ends its container."""
        place = Place(ref_of(job.pod), container_of(job.pod, job.name), job.ip)
        error = await post_start(self._handlers, place, job.left)
        if error is None:
            return
        job.tell("FailedPostStartHook", "PostStartHook failed", "Warning")
        job.tell("Killing", "FailedPostStartHook")
        grace = job.pod.spec.terminationGracePeriodSeconds
        await self._runtime.stop_container(id, 30 if grace is None else grace)
        now = self._clock.now()
        if until := job.memory.crashes.until(job.name, now):
            later = Waiting("CrashLoopBackOff", job.memory.crash_message(ref_of(job.pod), job.name))
            job.memory.holds[job.name] = Hold(now, until, Waiting("PostStartHookError", error), later)

    def _refused(self, job: Job, error: ContainerError) -> None:
        job.tell("Failed", f"Error: {error.message}", "Warning")
        now = self._clock.now()
        if not job.restarts:
            job.memory.crashes.grow(job.name, now)
        until = job.memory.crashes.until(job.name, now)
        shown = Waiting(error.reason, error.message)
        later = None
        if error.reason == "RunContainerError":
            message = job.memory.crash_message(ref_of(job.pod), job.name)
            later = Waiting("CrashLoopBackOff", message)
        job.memory.holds[job.name] = Hold(now, until, shown, later)

    async def _volume_images(self, job: Job) -> Mapping[str, str] | None:
        """The ids of the images that the container mounts, by volume. None: the member is held."""
        names = {mount.name for mount in container_of(job.pod, job.name).volumeMounts or ()}
        found = {}
        for volume in job.pod.spec.volumes or ():
            if volume.image is None or volume.name not in names:
                continue
            reference, key = volume.image.reference or "", (job.pod.metadata.uid, job.name, job.attempt, volume.name)
            if key not in self._mounted:  # who pulled it need not pull again while it waits for the next image
                policy, purpose = volume.image.pullPolicy or pull_policy(reference), "/".join(map(str, key[1:]))
                seen = await self._ensure(job, purpose, reference, policy)
                if seen is None:
                    return None
                self._mounted[key] = seen.id
            found[volume.name] = self._mounted[key]
        return found

    async def _image(self, job: Job) -> ImageSeen | None:
        """The container's own. None: the member is held."""
        policy = images.policy_of(container_of(job.pod, job.name))
        return await self._ensure(job, f"{job.name}/{job.attempt}", job.image, policy)

    async def _ensure(self, job: Job, purpose: str, image: str, policy: str) -> ImageSeen | None:
        def tell(type_: str, reason: str, message: str) -> None:
            job.event(type_, reason, message, job.name)

        def done() -> None:
            job.memory.holds.pop(job.name, None)
            job.poke()

        try:
            seen = await self._images.ensure(Ask(job.pod, purpose, image, policy, tell, done, job.left))
        except ImageError as error:
            self._image_failed(job, image, error)
            return None
        if seen is None:
            job.memory.holds[job.name] = Hold(self._clock.now(), None)
        else:
            job.memory.pulls.by_key.pop(job.name, None)
        return seen

    def _image_failed(self, job: Job, image: str, error: ImageError) -> None:
        job.tell("Failed", f"Error: {error.reason}", "Warning")
        log.info("image failed pod=%s/%s container=%s image=%s error=%s", job.pod.metadata.namespace,
                 job.pod.metadata.name, job.name, image, error.message)  # fmt: skip
        now = self._clock.now()
        until = now + timedelta(seconds=job.memory.pulls.grow(job.name, now))
        shown = Waiting(error.reason, error.message)
        later = None
        if error.reason == "ErrImagePull":
            later = Waiting("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {error.message}')
        job.memory.holds[job.name] = Hold(now, until, shown, later)

    def forget(self, uid: str) -> None:
        """A pod has gone: nothing more is pulled for it."""
        self._images.forget(uid)
        for key in [key for key in self._mounted if key[0] == uid]:
            del self._mounted[key]
        self._objects.forget(uid)

    async def close(self) -> None:
        self._objects.close()
        await self._images.close()


def _target(job: Job) -> str:
    """The id of the container that a container of `kubectl debug` looks into; raises `ConfigError` where none runs."""
    name = getattr(container_of(job.pod, job.name), "targetContainerName", None)
    if not name:
        return ""
    if name not in job.running:
        raise ConfigError(f"unable to find target container {name}")
    return job.running[name]
