"""What a kubelet does for its node beside running pods, put together.

manifests → sources → mirrors      static pods, and their mirrors in the API
signals → evictor                  pressure, its conditions, evictions
thresholds → image collector       unused images, when the disk fills
SIGPWR, logind → shutdown          the pods' orderly end when the machine's comes
"""

import asyncio
import logging
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from kubelet.configuration import Configuration
from kubelet.docker.runtime import DockerRuntime
from kubelet.images.collector import ImageCollector
from kubelet.images.pulled import PulledImages
from kubelet.kubelet import Kubelet
from kubelet.node import container_gc, logind, shutdown
from kubelet.node.agent import NodeAgent
from kubelet.node.disk_usage import DiskUsage
from kubelet.node.evictor import Evictor
from kubelet.node.pod_usage import PodUsages
from kubelet.node.pressure import Pressure
from kubelet.node.signals import observe
from kubelet.node.thresholds import Observation
from kubelet.runtime import RuntimeUnavailable
from kubelet.static.manifests import Manifests
from kubelet.static.mirrors import Mirrors
from kubelet.static.sources import PodSources
from podling.client.client import Client
from podling.client.events import EventRecorder
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2


class NodeWork:
    """`has_shut_down`: the pods have ended, nothing more happens here."""

    def __init__(
        self,
        configuration: Configuration,
        node: str,
        state_dir: Path,
        clock: Clock,
        *,
        client: Client,
        events: EventRecorder,
        agent: NodeAgent,
        sources: PodSources,
        kubelet: Kubelet,
        runtime: DockerRuntime,
        pulled: PulledImages,
    ) -> None:
        self._configuration, self._clock, self._state_dir = configuration, clock, state_dir
        self._agent, self._kubelet = agent, kubelet
        complain = partial(agent.event, "Warning", "FailedValidation")
        self._manifests = Manifests(configuration, node, clock, tell=sources.set_static, complain=complain)
        self._mirrors = Mirrors(client, sources, events, clock, node)
        disk = DiskUsage(runtime.connection, runtime.owner, state_dir / "pods")
        self._evictor = Evictor(
            configuration,
            kubelet,
            clock,
            observe=self._observe,
            usages=PodUsages(runtime.usage, disk, self._engine_root).read,
            reclaim=self._reclaim,
            tell=agent.event,
            changed=agent.wake,
        )
        self._runtime = runtime
        self._collector = ImageCollector(
            runtime.images, pulled, clock, policy=configuration.image_policy, tell=agent.event
        )
        self._asked = asyncio.Event()
        self.has_shut_down = False

    @property
    def pressure(self) -> Pressure:
        return self._evictor.pressure

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGPWR, self._asked.set)
        try:
            async with asyncio.TaskGroup() as group:
                for part in (
                    self._manifests.run,
                    self._mirrors.run,
                    self._evictor.run,
                    self._collector.run,
                    self._end_when_asked,
                ):
                    group.create_task(part())
                if most := shutdown.total(self._configuration):
                    group.create_task(logind.follow(self._shut_down, self._come_back, most))
        finally:
            loop.remove_signal_handler(signal.SIGPWR)

    def _engine_root(self) -> str:
        return self._agent.engine.root if self._agent.engine else ""

    def _observe(self) -> Mapping[str, Observation]:
        return observe(self._state_dir, self._engine_root())

    async def _reclaim(self, resource: str) -> None:
        """Of the disk dead containers and unused images; of memory and processes there is nothing but pods."""
        if resource not in ("ephemeral-storage", "inodes"):
            return
        try:
            count = await container_gc.delete_unused(self._runtime, self._kubelet.over())
            freed = await self._collector.delete_unused()
        except RuntimeUnavailable as error:
            log.info("nothing reclaimed resource=%s error=%s", resource, error)
            return
        log.info("node reclaimed resource=%s containers=%s image_bytes=%s", resource, count, freed)

    async def _end_when_asked(self) -> None:
        """SIGPWR: `podling down`, or whoever knows that the power goes."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._shut_down()

    async def _shut_down(self) -> None:
        log.info("node shuts down")
        self._agent.shutting_down = shutdown.NODE_MESSAGE
        self._agent.wake()
        for group in shutdown.grouped(shutdown.periods(self._configuration), self._kubelet.admitted()):
            await self._end(group)
        self.has_shut_down = True
        log.info("node has shut down")

    async def _end(self, group: shutdown.Group) -> None:
        """Those that take longer than their time are not waited for."""
        log.info("node ends pods priority=%d pods=%d seconds=%d", group.priority, len(group.pods), group.seconds)
        uids = [str(pod.metadata.uid) for pod in group.pods]
        for pod, uid in zip(group.pods, uids, strict=True):
            self._kubelet.fail(uid, shutdown.terminated(pod, group))
        deadline = self._clock.monotonic() + group.seconds
        while not all(await asyncio.gather(*(self._kubelet.has_ended(uid) for uid in uids))):
            if self._clock.monotonic() >= deadline:
                log.warning("pods outlived their time at shutdown priority=%d", group.priority)
                break
            await self._clock.sleep(POLL_SECONDS)
        await asyncio.gather(*(self._kubelet.flush(uid) for uid in uids))

    async def _come_back(self) -> None:
        """The machine did not end after all."""
        log.info("node does not shut down")
        self._agent.shutting_down, self.has_shut_down = "", False
        self._agent.wake()
