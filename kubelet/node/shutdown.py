"""The machine shuts down: pods end in order, each group in its own time, and no new ones are let in. Pure.

    shutdownGracePeriod 30s, shutdownGracePeriodCriticalPods 10s   normal pods get 20 s, then critical ones 10 s
    shutdownGracePeriodByPodPriority                               as many groups as are given, by priority
    neither                                                        nothing: the machine's end is the pods' end

Source: k8s.io/kubernetes/pkg/kubelet/nodeshutdown.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kubelet.configuration import Configuration, seconds
from kubelet.memory import Failure
from kubelet.node.eviction import SYSTEM_CRITICAL, disruption, is_critical

REASON = "Terminated"
MESSAGE = "Pod was terminated in response to imminent node shutdown."
REFUSED_REASON, REFUSED_MESSAGE = "NodeShutdown", "Pod was rejected as the node is shutting down."
NODE_MESSAGE = "node is shutting down"
SHUT_DOWN = "the node has shut down"  # what `podling down` waits to be told


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


def total(configuration: Configuration) -> int:
    """Seconds that all groups have together."""
    return sum(group.seconds for group in periods(configuration))
