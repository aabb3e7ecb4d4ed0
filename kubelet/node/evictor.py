"""Keeps the node well: measures it, frees what nobody needs, then ends one pod at a time until enough is free.

    measure → pressure.judge → due? → reclaim (dead containers, unused images) → still? → the first by eviction.rank
       ▲                                                                                        │
       └──── 10 s later; at once when a pod was evicted and has ended ──────────────────────────┘

Source: k8s.io/kubernetes/pkg/kubelet/eviction/eviction_manager.go.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from kubelet.configuration import Configuration, seconds
from kubelet.memory import Failure
from kubelet.node import eviction
from kubelet.node.eviction import PodUsage
from kubelet.node.pressure import Pressure, Watch, judge
from kubelet.node.thresholds import Observation, Threshold
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
MONITORING_SECONDS = 10.0
MOST_WAIT_SECONDS = 30.0  # for an evicted pod to end, before the node is looked at again
POLL_SECONDS = 1.0


class Pods(Protocol):
    """The pods of the node, as the kubelet runs them."""

    def admitted(self) -> Sequence[Any]: ...

    def fail(self, uid: str, failure: Failure) -> None:
        """The pod ends."""

    def event(self, uid: str, type_: str, reason: str, message: str) -> None: ...

    async def has_ended(self, uid: str) -> bool:
        """Nothing of it runs any more."""


Usages = Callable[[str, Sequence[str]], Awaitable[Mapping[str, PodUsage]]]


class Evictor:
    """`observe` reads the machine, in a thread; `usages(resource, uids)` tells by uid what pods use;
    `reclaim(resource)` frees what no pod needs, `tell` makes an event of the node, `changed` is called when its
    conditions did."""

    def __init__(
        self,
        configuration: Configuration,
        pods: Pods,
        clock: Clock,
        *,
        observe: Callable[[], Mapping[str, Observation]],
        usages: Usages,
        reclaim: Callable[[str], Awaitable[None]],
        tell: Callable[[str, str, str], None],
        changed: Callable[[], None],
    ) -> None:
        self._configuration, self._pods, self._clock = configuration, pods, clock
        self._thresholds = configuration.thresholds
        self._transition_seconds = seconds(configuration.eviction_pressure_transition_period)
        self._observe, self._usages, self._reclaim = observe, usages, reclaim
        self._tell, self._changed = tell, changed
        self._watch = Watch()

    @property
    def pressure(self) -> Pressure:
        return self._watch.pressure

    async def run(self) -> None:
        while True:
            evicted = await self.look()
            if evicted:
                await self._wait_for(evicted)
            else:
                await self._clock.sleep(MONITORING_SECONDS)

    async def look(self) -> str:
        """One look; the uid of the pod that was evicted, "" for none."""
        seen = await self._measure()
        if uid := await self._evict_over_limit():
            return uid
        if not self._watch.due:
            return ""
        due = self._watch.due[0]
        log.warning("node short resource=%s available=%d", due.resource, seen[due.signal].available)
        self._tell("Warning", "EvictionThresholdMet", f"Attempting to reclaim {due.resource}")
        if due.resource in ("ephemeral-storage", "inodes"):
            await self._reclaim(due.resource)
            seen = await self._measure()
            if due not in self._watch.due:
                log.info("node freed without an eviction resource=%s", due.resource)
                return ""
        pods = self._pods.admitted()
        usages = await self._usages(due.resource, [str(pod.metadata.uid) for pod in pods])
        return self._evict(due, seen[due.signal], pods, usages)

    async def _evict_over_limit(self) -> str:
        """The first that uses more of the disk than it may. Where no pod has such a limit nothing is measured."""
        limited = [pod for pod in self._pods.admitted() if eviction.has_disk_limit(pod)]
        if not limited:
            return ""
        usages = await self._usages("ephemeral-storage", [str(pod.metadata.uid) for pod in limited])
        for pod in limited:
            usage = usages.get(str(pod.metadata.uid))
            if (usage and not eviction.is_critical(pod)) and (failure := eviction.over_limit(pod, usage)):
                return self._end(pod, failure)
        return ""

    async def _measure(self) -> Mapping[str, Observation]:
        seen = await asyncio.to_thread(self._observe)
        before, now = self._watch.pressure, self._clock.now()
        self._watch = judge(self._watch, self._thresholds, seen, now, self._transition_seconds)
        if self._watch.pressure != before:
            log.info("node conditions=%s", ",".join(self._watch.pressure.conditions) or "none")
            self._changed()
        return seen

    def _evict(self, due: Threshold, seen: Observation, pods: Sequence[Any], usages: Mapping[str, PodUsage]) -> str:
        """The first that may be evicted."""
        most = self._configuration.eviction_max_pod_grace_period
        for pod in eviction.rank(pods, due.resource, usages):
            if eviction.is_critical(pod):
                continue
            return self._end(pod, eviction.evicted(pod, due, seen, usages.get(str(pod.metadata.uid)), most))
        log.warning("node short, and no pod to evict resource=%s", due.resource)
        return ""

    def _end(self, pod: Any, failure: Failure) -> str:
        uid = str(pod.metadata.uid)
        log.warning("pod evicted pod=%s/%s uid=%s", pod.metadata.namespace, pod.metadata.name, uid)
        self._pods.event(uid, "Warning", failure.reason, failure.message)
        self._pods.fail(uid, failure)
        return uid

    async def _wait_for(self, uid: str) -> None:
        deadline = self._clock.monotonic() + MOST_WAIT_SECONDS
        while not await self._pods.has_ended(uid) and self._clock.monotonic() < deadline:
            await self._clock.sleep(POLL_SECONDS)
