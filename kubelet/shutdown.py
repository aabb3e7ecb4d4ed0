"""The machine shuts down: pods end in order, each group in its own time, and no new ones are let in.

    shutdownGracePeriod 30s, shutdownGracePeriodCriticalPods 10s   normal pods get 20 s, then critical ones 10 s
    shutdownGracePeriodByPodPriority                               as many groups as are given, by priority
    neither                                                        nothing: the machine's end is the pods' end

Source: k8s.io/kubernetes/pkg/kubelet/nodeshutdown.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from kubelet.configuration import Configuration, seconds
from kubelet.eviction import SYSTEM_CRITICAL, disruption, is_critical
from kubelet.evictor import Pods
from kubelet.memory import Failure
from podling.loop.clock import Clock

log = logging.getLogger(__name__)
REASON = "Terminated"
MESSAGE = "Pod was terminated in response to imminent node shutdown."
REFUSED_REASON, REFUSED_MESSAGE = "NodeShutdown", "Pod was rejected as the node is shutting down."
NODE_MESSAGE = "node is shutting down"
POLL_SECONDS = 0.2


class Group(NamedTuple):
    """Pods of this priority and more, up to the next group's; they have so many seconds together."""

    priority: int
    seconds: int
    pods: tuple[Any, ...] = ()


def periods(configuration: Configuration) -> Sequence[Group]:
    """Lowest priority first; none where pods get no time."""
    given = configuration.shutdown_grace_period_by_pod_priority
    if given:
        found = [Group(each.priority, each.shutdown_grace_period_seconds) for each in given]
        return sorted(found)
    whole = int(seconds(configuration.shutdown_grace_period))
    critical = int(seconds(configuration.shutdown_grace_period_critical_pods))
    return [Group(0, whole - critical), Group(SYSTEM_CRITICAL, critical)] if whole else []


def grouped(groups: Sequence[Group], pods: Sequence[Any]) -> Sequence[Group]:
    """Each pod in the highest group that it reaches, those below all groups in the lowest; empty groups are left out.
    Static pods are critical, whatever their manifest says."""
    found: list[list[Any]] = [[] for _ in groups]
    for pod in pods:
        priority = max(pod.spec.priority or 0, SYSTEM_CRITICAL if is_critical(pod) else pod.spec.priority or 0)
        reached = [index for index, group in enumerate(groups) if group.priority <= priority]
        found[max(reached, default=0)].append(pod)
    return [group._replace(pods=tuple(held)) for group, held in zip(groups, found, strict=True) if held]


def terminated(pod: Any, group: Group) -> Failure:
    own = pod.spec.terminationGracePeriodSeconds
    grace = group.seconds if own is None else min(own, group.seconds)
    return Failure(REASON, MESSAGE, grace, disruption(MESSAGE))


async def end_pods(configuration: Configuration, pods: Pods, clock: Clock) -> None:
    """Group after group; a group that takes longer than its time is not waited for."""
    for group in grouped(periods(configuration), pods.admitted()):
        log.info("node shuts down priority=%d pods=%d seconds=%d", group.priority, len(group.pods), group.seconds)
        for pod in group.pods:
            pods.fail(pod.metadata.uid, terminated(pod, group))
        deadline = clock.monotonic() + group.seconds
        while not all(await asyncio.gather(*(pods.has_ended(pod.metadata.uid) for pod in group.pods))):
            if clock.monotonic() >= deadline:
                log.warning("pods outlived their time at shutdown priority=%d", group.priority)
                break
            await clock.sleep(POLL_SECONDS)


def total(configuration: Configuration) -> int:
    """Seconds that all groups have together."""
    return sum(group.seconds for group in periods(configuration))
