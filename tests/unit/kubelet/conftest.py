"""A node in memory: the kubelet over FakeRuntime and FakeClient, on a clock that tests move."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kubelet.context import Tools
from kubelet.fake import FakeRuntime
from kubelet.images.pulled import PulledImages
from kubelet.images.puller import ImagePuller
from kubelet.kubelet import Kubelet
from kubelet.launcher import Launcher
from kubelet.probes.handlers import Handlers
from kubelet.runtime import ImageSeen, PodRef
from kubelet.static.mirrors import Mirrors
from kubelet.static.pods import StaticPod
from kubelet.static.sources import PodSources
from kubelet.status_writer import StatusWriter
from kubelet.volumes import mounts
from kubelet.volumes.objects import Objects
from kubelet.volumes.volumes import Volumes
from kubelet.wanted import NodeFacts
from podling.client.client import Client
from podling.client.events import EventRecorder
from podling.client.fake import FakeClient
from podling.client.informer import Informer
from podling.client.resource import EVENTS, PODS
from podling.loop.clock import FakeClock, settle

NODE = "n1"


def pod(name: str = "web", containers: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod bound to our node, as the API server would have defaulted it."""
    containers = containers or [{"name": "app", "image": "busybox"}]
    for each in [*containers, *spec.get("initContainers", [])]:
        each.setdefault("image", "busybox")
        each.setdefault("imagePullPolicy", "IfNotPresent")
    spec = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, **spec}
    return {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}", "generation": 1},
        "spec": {"nodeName": NODE, "containers": containers, **spec},
        "status": {"phase": "Pending"},
    }


class InlineExecutor(ThreadPoolExecutor):
    """Runs what would run in a thread at once, so that a test knows when nothing moves any more."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments, **options))
        except Exception as error:
            done.set_exception(error)
        return done


class FakeExecutor:
    """`answers` says how each command ends, by its first word; `ran` is what was run."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.ran: list[tuple[str, str]] = []

    async def execute(self, ref: PodRef, container: str, command: list[str]) -> tuple[int, str]:
        self.ran.append((container, command[0]))
        return self.answers.get(command[0], (0, ""))


class Node:
    """`start` and `kill` the kubelet; the engine, the API and the disk outlive it."""

    def __init__(self, folder: Path) -> None:
        asyncio.get_running_loop().set_default_executor(InlineExecutor())
        self.clock = FakeClock()
        self.client = FakeClient()
        self.runtime = FakeRuntime(self.clock)
        self.runtime.images["busybox"] = ImageSeen("sha256:1", "")
        self.executor = FakeExecutor()
        self.folder = folder
        self.facts = NodeFacts(NODE, host_ips=["192.0.2.1"], memory_bytes=8 << 30)
        self.static: dict[str, StaticPod] = {}
        self.manifests_known = True
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, through: Client | None = None) -> None:
        """`through`: the kubelet's own client, where it is not the test's."""
        client = through or self.client
        events = EventRecorder(client, "kubelet", NODE, self.clock)
        informer = Informer(client, PODS, fields=f"spec.nodeName={NODE}", clock=self.clock)
        self.sources = PodSources(informer, self.clock)
        self.sources.set_static(self.static, self.manifests_known)
        mirrors = Mirrors(client, self.sources, events, self.clock, NODE)
        statuses = StatusWriter(client, self.clock, self.sources.shown)
        objects = Objects(client, self.clock)
        self.volumes = volumes = Volumes(self.folder / "pods", objects)
        starts = asyncio.Semaphore(4)
        handlers = Handlers(self.executor, self.clock)
        puller = ImagePuller(self.runtime, objects, PulledImages(self.folder), self.clock)
        launcher = Launcher(
            self.runtime,
            objects,
            volumes,
            self.clock,
            puller=puller,
            handlers=handlers,
            starts=starts,
            node=lambda: self.facts,
        )
        tools = Tools(
            runtime=self.runtime,
            client=client,
            clock=self.clock,
            events=events,
            statuses=statuses,
            volumes=volumes,
            launcher=launcher,
            handlers=handlers,
            starts=starts,
            node=lambda: self.facts,
            admitted=self._admitted,
            preempt=self._preempt,
        )
        self.kubelet = Kubelet(self.sources, tools)
        objects.followed.on_change = self.kubelet.sources_changed
        runs = (informer.run(), events.run(), statuses.run(), mirrors.run(), self.kubelet.run())
        self._tasks = [asyncio.ensure_future(run) for run in runs]

    def _preempt(self, uid: str) -> None:
        self.kubelet.preempt(uid)

    def _admitted(self) -> Sequence[Any]:
        return self.kubelet.admitted()

    async def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def has_died(self) -> bool:
        return any(task.done() for task in self._tasks)

    async def add(self, data: dict[str, Any]) -> str:
        self.client.add(PODS, data)
        await self.settle()
        return str(data["metadata"]["uid"])

    async def settle(self) -> None:
        """Until nothing moves any more, time aside."""
        before = None
        while before != (before := (len(self.runtime.calls), self.client.version)):
            await settle(100)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.settle()

    def status(self, name: str = "web") -> dict[str, Any]:
        found = self.client.find(PODS, name)
        assert found is not None, f"pod {name} is gone"
        return dict(found["status"])

    def container(self, member: str = "app", name: str = "web") -> dict[str, Any]:
        status = self.status(name)
        found = [*status.get("initContainerStatuses", []), *status["containerStatuses"]]
        return next(dict(each) for each in found if each["name"] == member)

    def events(self) -> list[tuple[str, str]]:
        found = [item for (plural, _, _), item in self.client.objects.items() if plural == EVENTS.plural]
        return [(item["reason"], item["message"]) for item in found]

    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.events()]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    made.start()
    yield made
    with contextlib.suppress(asyncio.CancelledError):
        await made.kill()
    await made.runtime.close()


@pytest.fixture(autouse=True)
def no_mounts_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """Volumes in memory are mounts, as root, under a test's own folder."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None and os.geteuid() == 0:
        mounts.unmount_below(folder)
