"""Starts one container of a pod: its image, its environment, its mounts, then the engine.

What keeps it from starting becomes a hold in the pod's memory, an event, and what kubectl shows. Images are pulled in
the background: a pod that is deleted while it pulls does not wait for the end of it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kubelet import images
from kubelet.downward import PodFacts
from kubelet.environment import ConfigError, Given, Source, Sources, command, environment, needs, text_of
from kubelet.handlers import Handlers, Place
from kubelet.memory import Hold, Memory, Waiting
from kubelet.runtime import ContainerError, ImageError, ImageSeen, Runtime, RuntimeUnavailable
from kubelet.volumes.objects import Objects
from kubelet.volumes.volumes import MountError, Volumes
from kubelet.wanted import NodeFacts, Resolved, container_of, container_wanted, ref_of
from podling.api.errors import ApiError
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
CONFIG_RETRY_SECONDS = 10.0
FALLBACK_SECONDS = 300.0  # how long a registry that did not answer is not asked again for an image that is there


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
        handlers: Handlers,
        starts: asyncio.Semaphore,
        node: Callable[[], NodeFacts],
    ) -> None:
        """`starts` bounds how many the engine starts at once."""
        self._runtime, self._objects, self._volumes, self._clock = runtime, objects, volumes, clock
        self._handlers, self._starts, self._node = handlers, starts, node
        self._pulls: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._present_until: dict[str, datetime] = {}

    def facts(self, pod: Any, ip: str) -> PodFacts:
        node = self._node()
        ips = node.host_ips if pod.spec.hostNetwork else [ip] if ip else []
        return PodFacts(node.node_name, node.host_ips, ips, node.allocatable)

    async def launch(self, job: Job) -> None:
        image = await self._image(job)
        if image is None:
            return
        now = self._clock.now()
        try:
            wanted = container_wanted(job.pod, job.name, job.attempt, self._node(), await self._resolve(job, image))
        except (ConfigError, MountError) as error:
            job.tell("Failed", f"Error: {error}", "Warning")
            shown = Waiting("CreateContainerConfigError", str(error))
            job.memory.holds[job.name] = Hold(now, now + timedelta(seconds=CONFIG_RETRY_SECONDS), shown)
            return
        if job.restarts:
            job.memory.crashes.grow(job.name, now)
        try:
            async with self._starts:
                id = await self._runtime.start_container(job.sandbox_id, wanted)
        except ContainerError as error:
            self._refused(job, error)
        else:
            job.memory.pulled.discard((job.name, job.attempt))
            job.tell("Created", f"Created container: {job.name}")
            job.tell("Started", f"Started container {job.name}")
            await self._post_start(job, id)

    async def _post_start(self, job: Job, id: str) -> None:
        """A hook that fails ends its container; a pod that leaves does not wait for it."""
        container = container_of(job.pod, job.name)
        handler = container.lifecycle.postStart if container.lifecycle else None
        if handler is None:
            return
        place = Place(ref_of(job.pod), container, job.ip)
        hook = asyncio.create_task(self._handlers.run(handler, place, None))
        left = asyncio.create_task(job.left.wait())
        try:
            await asyncio.wait({hook, left}, return_when=asyncio.FIRST_COMPLETED)
            if not hook.done() or hook.result().succeeded:
                return
        finally:
            hook.cancel()
            left.cancel()
        log.info("hook failed pod=%s container=%s error=%s", job.pod.metadata.name, job.name, hook.result().message)
        job.tell("FailedPostStartHook", "PostStartHook failed", "Warning")
        job.tell("Killing", f"Container {job.name} FailedPostStartHook")
        grace = job.pod.spec.terminationGracePeriodSeconds
        await self._runtime.stop_container(id, 30 if grace is None else grace)

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

    async def _resolve(self, job: Job, image: ImageSeen) -> Resolved:
        container = container_of(job.pod, job.name)
        try:
            sources = await self._sources(job.pod, container)
        except ApiError as error:
            raise ConfigError(error.message) from error
        services = self._node().pod_environment if job.pod.spec.enableServiceLinks is not False else {}
        given = Given(job.pod, self.facts(job.pod, job.ip), sources, services)
        values = environment(given, container)
        words, arguments = command(container, values)
        mounts = await asyncio.to_thread(self._volumes.mounts, job.pod, container, values)
        return Resolved(words, arguments, values, mounts, image)

    async def _sources(self, pod: Any, container: Any) -> Sources:
        found: dict[Source, Mapping[str, str] | None] = {}
        for source in needs(container):
            item = await self._objects.get(source, pod.metadata.namespace)
            found[source] = None if item is None else text_of(item)
        return found

    async def _image(self, job: Job) -> ImageSeen | None:
        """The image, or None: the member is held."""
        policy = images.policy_of(container_of(job.pod, job.name))
        try:
            images.check_name(job.image)
            seen = await self._runtime.image(job.image)
        except ImageError as error:
            job.tell("InspectFailed", error.message, "Warning")
            self._image_failed(job, error)
            return None
        pulled = (job.name, job.attempt) in job.memory.pulled
        verdict = images.judge(policy, seen, pulled or (seen is not None and self._is_fallback(job.image)))
        if verdict is images.Verdict.READY and seen:
            if not pulled:
                job.tell("Pulled", f'Container image "{job.image}" already present on machine')
            return seen
        if verdict is images.Verdict.REFUSED:
            refusal = ImageError("ErrImageNeverPull", images.never_message(job.image))
            job.tell("ErrImageNeverPull", refusal.message, "Warning")
            self._image_failed(job, refusal)
            return None
        self._pull(job, is_there=seen is not None)
        return None

    def _is_fallback(self, image: str) -> bool:
        until = self._present_until.get(image)
        return until is not None and self._clock.now() < until

    def _pull(self, job: Job, is_there: bool) -> None:
        key = (job.pod.metadata.uid, job.name)
        if key in self._pulls:
            return
        job.memory.holds[job.name] = Hold(self._clock.now(), None)
        self._pulls[key] = asyncio.ensure_future(self._pull_and_tell(job, is_there))
        self._pulls[key].add_done_callback(lambda _: self._pulls.pop(key, None))

    async def _pull_and_tell(self, job: Job, is_there: bool) -> None:
        """In the background; whatever happens, the pod is looked at again."""
        started = self._clock.monotonic()
        job.tell("Pulling", f'Pulling image "{job.image}"')
        try:
            await self._runtime.pull(job.image, await self._logins(job))
        except ImageError as error:
            self._not_pulled(job, error, is_there)
        except (ApiError, RuntimeUnavailable) as error:
            self._not_pulled(job, ImageError("ErrImagePull", str(error)), is_there)
        else:
            took = f"{self._clock.monotonic() - started:.3g}s"
            job.tell("Pulled", f'Successfully pulled image "{job.image}" in {took} ({took} including waiting)')
            job.memory.pulled.add((job.name, job.attempt))
            job.memory.pulls.by_key.pop(job.name, None)
            job.memory.holds.pop(job.name, None)
        job.poke()

    def _not_pulled(self, job: Job, error: ImageError, is_there: bool) -> None:
        """An image that the engine has is used, though `Always` asks the registry first: what was built here a moment
        ago, under a name without a tag, is in no registry."""
        if is_there:
            message = f'Container image "{job.image}" already present on machine; the registry does not give it: '
            job.tell("Pulled", message + error.message)
            self._present_until[job.image] = self._clock.now() + timedelta(seconds=FALLBACK_SECONDS)
            job.memory.pulled.add((job.name, job.attempt))
            job.memory.holds.pop(job.name, None)
            return
        job.tell("Failed", f'Failed to pull image "{job.image}": {error.message}', "Warning")
        self._image_failed(job, error)

    def _image_failed(self, job: Job, error: ImageError) -> None:
        job.tell("Failed", f"Error: {error.reason}", "Warning")
        log.info("image failed pod=%s/%s container=%s image=%s error=%s", job.pod.metadata.namespace,
                 job.pod.metadata.name, job.name, job.image, error.message)  # fmt: skip
        now = self._clock.now()
        until = now + timedelta(seconds=job.memory.pulls.grow(job.name, now))
        shown = Waiting(error.reason, error.message)
        later = None
        if error.reason == "ErrImagePull":
            later = Waiting("ImagePullBackOff", f'Back-off pulling image "{job.image}": ErrImagePull: {error.message}')
        job.memory.holds[job.name] = Hold(now, until, shown, later)

    async def _logins(self, job: Job) -> Sequence[Mapping[str, str]]:
        references = job.pod.spec.imagePullSecrets or ()
        namespace = job.pod.metadata.namespace
        found = [await self._objects.get(Source("Secret", each.name), namespace) for each in references]
        return images.logins([secret for secret in found if secret is not None], job.image)

    def forget(self, uid: str) -> None:
        """A pod has gone: nothing more is pulled for it."""
        for key, task in list(self._pulls.items()):
            if key[0] == uid:
                task.cancel()
        self._objects.forget(uid)

    def close(self) -> None:
        for task in self._pulls.values():
            task.cancel()
