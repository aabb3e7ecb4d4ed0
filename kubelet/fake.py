"""An engine in memory behind the `Runtime` and `ImageService` protocols, on a clock that a test moves.

It behaves as Docker does where it matters: members live on when their sandbox dies, an exited container stays until it
is removed, a start that fails leaves what was created, and starting or removing twice is harmless.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.images.logins import Login
from kubelet.images.names import checked_name, tagged
from kubelet.images.progress import PullProgress
from kubelet.images.service import Disk, StoredImage
from kubelet.runtime import (
    ContainerError,
    ContainerSeen,
    ContainerWanted,
    Engine,
    ImageError,
    ImageSeen,
    PodRef,
    PodSeen,
    RuntimeUnavailable,
    SandboxSeen,
    SandboxWanted,
    State,
)
from podling.loop.clock import Clock, FakeClock


@dataclass(frozen=True)
class Program:
    """What a container does: runs `seconds` (None: until it is told to end), then ends with `exit_code`."""

    seconds: float | None = None
    exit_code: int = 0
    refuses: str = ""  # the engine cannot start it, and says this
    on_term: int = 143  # how it ends at SIGTERM
    ignores_term: bool = False


@dataclass
class _Pod:
    ref: PodRef
    sandboxes: dict[str, SandboxSeen] = field(default_factory=dict)
    containers: dict[str, ContainerSeen] = field(default_factory=dict)


async def _no_point(verb: str) -> None:
    await asyncio.sleep(0)


class FakeRuntime:
    """`programs(pod, member, attempt)` says what each container does; `images` are on the engine, `registry` can be
    pulled; `point` is awaited before and after each verb took effect; `calls` is everything that was asked."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.programs: Callable[[PodRef, str, int], Program] = lambda ref, name, attempt: Program()
        self.images: dict[str, ImageSeen] = {}
        self.registry: dict[str, ImageSeen] = {}
        self.pull_seconds = 0.0
        self.away = False
        self.sandbox_error = ""
        self.point: Callable[[str], Awaitable[None]] = _no_point
        self.calls: list[tuple[str, str]] = []
        self.wanted: dict[str, ContainerWanted] = {}
        self.pod_limits: dict[str, PodLimits] = {}
        self.memory_in_use: dict[str, int] = {}  # of a member, in bytes
        self.pulls: list[tuple[str, Login | None]] = []
        self.pulls_at_once = 0
        self.passwords: set[str] = set()  # that the registry takes; empty: it asks for none
        self.own: Login | None = None
        self.disk: Disk | None = None
        self._pods: dict[str, _Pod] = {}
        self._count = 0
        self._listeners: set[asyncio.Queue[str]] = set()
        self._programs: dict[str, Program] = {}
        self._timers: set[asyncio.Task[None]] = set()

    async def engine(self) -> Engine:
        await self._begin("engine", "")
        names = [([name], 1000) for name in sorted(self.images)]
        return Engine("20.10.24", "6.18.0", "Fake OS 1", "amd64", 4, 8 << 30, 100 << 30, "fake-machine", names)

    async def pods(self) -> Mapping[str, PodSeen]:
        await self._begin("pods", "")
        return {uid: self._seen(pod) for uid, pod in self._pods.items()}

    async def pod(self, uid: str) -> PodSeen | None:
        await self._begin("pod", uid)
        pod = self._pods.get(uid)
        return self._seen(pod) if pod else None

    async def changes(self) -> AsyncIterator[str]:
        if self.away:
            raise RuntimeUnavailable("the engine is away")
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield ""
            while True:
                uid = await queue.get()
                if self.away:
                    raise RuntimeUnavailable("the engine went away")
                yield uid
        finally:
            self._listeners.discard(queue)

    async def start_sandbox(self, wanted: SandboxWanted) -> SandboxSeen:
        await self._begin("start_sandbox", wanted.ref.uid)
        if self.sandbox_error:
            raise ContainerError("CreatePodSandboxError", self.sandbox_error)
        if wanted.runtime not in ("", "runc"):
            why = f'failed to get sandbox runtime: no runtime for "{wanted.runtime}" is configured'
            raise ContainerError("CreatePodSandboxError", why)
        pod = self._pods.setdefault(wanted.ref.uid, _Pod(wanted.ref))
        for sandbox in pod.sandboxes.values():
            if sandbox.attempt == wanted.attempt and sandbox.ready:
                return sandbox
        id = self._id()
        made = SandboxSeen(id, wanted.attempt, True, f"10.244.0.{self._count}", self.clock.now())
        pod.sandboxes[id] = made
        self.pod_limits[wanted.ref.uid] = wanted.limits
        await self._end("start_sandbox", wanted.ref.uid)
        return made

    async def start_container(self, sandbox_id: str, wanted: ContainerWanted) -> str:
        await self._begin("start_container", f"{wanted.name}/{wanted.attempt}")
        pod = self._pods[wanted.ref.uid]
        if not pod.sandboxes[sandbox_id].ready:
            raise ContainerError("CreateContainerError", "the sandbox does not run")
        there = [each for each in pod.containers.values() if (each.name, each.attempt) == (wanted.name, wanted.attempt)]
        if there and there[0].state is not State.CREATED:
            return there[0].id
        id = there[0].id if there else self._id()
        image = self.images[wanted.image]
        created = ContainerSeen(
            id, wanted.name, wanted.attempt, State.CREATED, wanted.image, image.id, wanted.spec_hash
        )
        now = self.clock.now()
        pod.containers[id] = replace(created, created_at=now, sandbox_id=sandbox_id, limits=wanted.limits)
        self.wanted[id] = wanted
        await self._end("created", wanted.ref.uid)
        program = self._programs[id] = self.programs(wanted.ref, wanted.name, wanted.attempt)
        if program.refuses:
            pod.containers[id] = replace(pod.containers[id], error=program.refuses, exit_code=128)
            await self._end("start_container", wanted.ref.uid)
            raise ContainerError("RunContainerError", program.refuses)
        pod.containers[id] = replace(pod.containers[id], state=State.RUNNING, started_at=self.clock.now())
        if program.seconds is not None:
            timer = asyncio.ensure_future(self._end_later(wanted.ref.uid, id, program))
            self._timers.add(timer)
            timer.add_done_callback(self._timers.discard)
        await self._end("start_container", wanted.ref.uid)
        return id

    async def stop_container(self, id: str, grace_seconds: int) -> None:
        await self._begin("stop_container", f"{id}/{grace_seconds}")
        pod = self._owner(id)
        if pod is None or pod.containers[id].state is not State.RUNNING:
            return
        program = self._programs.get(id, Program())
        if program.ignores_term:
            await self.clock.sleep(grace_seconds)
        self.exit(id, 137 if program.ignores_term else program.on_term)
        await self._end("stop_container", pod.ref.uid)

    async def remove_container(self, id: str) -> None:
        await self._begin("remove_container", id)
        pod = self._owner(id)
        if pod:
            del pod.containers[id]
            self._tidy(pod)
            await self._end("remove_container", pod.ref.uid)

    async def remove_sandbox(self, uid: str, sandbox_id: str) -> None:
        await self._begin("remove_sandbox", uid)
        pod = self._pods.get(uid)
        if pod and pod.sandboxes.pop(sandbox_id, None):
            for member in list(pod.containers.values()):
                if member.sandbox_id == sandbox_id and member.state is not State.EXITED and not member.error:
                    del pod.containers[member.id]
            self._tidy(pod)
            await self._end("remove_sandbox", uid)

    async def limit_container(self, id: str, limits: Limits) -> None:
        pod = self._owner(id)
        await self._begin("limit_container", pod.containers[id].name if pod else "")
        pod = self._owner(id)
        if pod is None or pod.containers[id].state is not State.RUNNING:
            return
        self._check_memory(pod.containers[id].name, limits.memory_bytes)
        before = pod.containers[id].limits
        now = Limits(*(new or old for new, old in zip(limits, before, strict=True)))
        pod.containers[id] = replace(pod.containers[id], limits=now)
        await self._end("limit_container", pod.ref.uid)

    async def limit_pod(self, uid: str, limits: PodLimits) -> None:
        await self._begin("limit_pod", uid)
        self._check_memory("", limits.memory_bytes)
        self.pod_limits[uid] = limits
        await self.point("after limit_pod")

    def _check_memory(self, name: str, most: int) -> None:
        used = self.memory_in_use.get(name, 0)
        if 0 < most < used:
            words = f'attempting to set container "{name}" memory limit ({most}) below current usage ({used})'
            raise ContainerError("Error", f"cannot decrease memory limits: {words}")

    async def image(self, name: str) -> ImageSeen | None:
        await self._begin("image", name)
        return self.images.get(checked_name(name))

    async def pull(
        self, name: str, login: Login | None = None, progress: PullProgress | None = None, patience_seconds: float = 60
    ) -> ImageSeen:
        await self._begin("pull", name)
        self.pulls.append((name, login))
        self.pulls_at_once += 1
        try:
            await self.clock.sleep(self.pull_seconds)
        finally:
            self.pulls_at_once -= 1
        if name not in self.registry:
            raise ImageError("ErrImagePull", f"manifest for {name} not found: manifest unknown")
        if self.passwords and (login.password if login else "") not in self.passwords:
            raise ImageError("ErrImagePull", "unauthorized: authentication required")
        self.images[name] = self.registry[name]
        return self.images[name]

    async def own_login(self, name: str) -> Login | None:
        return self.own

    async def stored_images(self) -> Sequence[StoredImage]:
        await self._begin("stored_images", "")
        used = Counter(each.image for pod in self._pods.values() for each in pod.containers.values())
        return [StoredImage(seen.id, [tagged(name)], seen.size_bytes, used[name]) for name, seen in self.images.items()]

    async def remove_image(self, name: str) -> bool:
        await self._begin("remove_image", name)
        if any(tagged(each.image) == name for pod in self._pods.values() for each in pod.containers.values()):
            return False
        gone = [each for each in self.images if tagged(each) == name]
        for each in gone:
            freed = self.images.pop(each).size_bytes
            if self.disk:
                self.disk = self.disk._replace(available_bytes=self.disk.available_bytes + freed)
        return True

    async def image_disk(self) -> Disk | None:
        return self.disk

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def exit(self, id: str, exit_code: int = 0, *, oom_killed: bool = False) -> None:
        """A container ends by itself, or is killed from outside."""
        pod = self._owner(id)
        if pod and pod.containers[id].state is State.RUNNING:
            ended = replace(pod.containers[id], state=State.EXITED, exit_code=exit_code, oom_killed=oom_killed)
            pod.containers[id] = replace(ended, finished_at=self.clock.now())
            self._tell(pod.ref.uid)

    def kill_sandbox(self, uid: str) -> None:
        """The pause container dies; its members live on in the old namespaces, as Docker's do."""
        pod = self._pods[uid]
        pod.sandboxes = {id: replace(sandbox, ready=False) for id, sandbox in pod.sandboxes.items()}
        self._tell(uid)

    def go_away(self) -> None:
        """The engine stops, and everything that it ran with it."""
        for pod in self._pods.values():
            self.kill_sandbox(pod.ref.uid)
            for id in list(pod.containers):
                self.exit(id, 137)
        self.away = True
        self._tell("")

    def come_back(self) -> None:
        self.away = False

    def running(self, uid: str, name: str) -> ContainerSeen | None:
        pod = self._pods.get(uid)
        found = [each for each in (pod.containers.values() if pod else ()) if each.name == name]
        return next((each for each in found if each.state is State.RUNNING), None)

    def seen(self, uid: str) -> PodSeen | None:
        pod = self._pods.get(uid)
        return self._seen(pod) if pod else None

    def _seen(self, pod: _Pod) -> PodSeen:
        return PodSeen(
            pod.ref,
            sorted(pod.sandboxes.values(), key=lambda each: -each.attempt),
            sorted(pod.containers.values(), key=lambda each: -each.attempt),
        )

    def _owner(self, id: str) -> _Pod | None:
        return next((pod for pod in self._pods.values() if id in pod.containers), None)

    def _tidy(self, pod: _Pod) -> None:
        if not pod.sandboxes and not pod.containers:
            self._pods.pop(pod.ref.uid, None)

    def _id(self) -> str:
        self._count += 1
        return f"{self._count:064x}"

    def _tell(self, uid: str) -> None:
        for queue in self._listeners:
            queue.put_nowait(uid)

    async def _begin(self, verb: str, about: str) -> None:
        self.calls.append((verb, about))
        await self.point(f"before {verb}")
        if self.away:
            raise RuntimeUnavailable("the engine is away")

    async def _end(self, verb: str, uid: str) -> None:
        self._tell(uid)
        await self.point(f"after {verb}")

    async def _end_later(self, uid: str, id: str, program: Program) -> None:
        await self.clock.sleep(program.seconds or 0)
        self.exit(id, program.exit_code)
