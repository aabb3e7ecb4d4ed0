"""Which limits of a running pod are not as they are wanted, and in which order they are brought there. Pure.

    a pod that must grow            wide enough for before and after
    its containers                  those that shrink first
    the pod                         as it is wanted

The kernel refuses a container more than its pod has, and a pod less than its containers have. Where it is not known
what the pod's own cgroup has, as after a kubelet's death, it has none on the way.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.member import Member
from kubelet.runtime import ContainerSeen, PodSeen, State

Outsized = tuple[Member, ContainerSeen]
Applied = AbstractSet[tuple[str, Limits | None]]  # ids of containers, and what they were limited to


@dataclass(frozen=True, slots=True)
class LimitContainer:
    id: str
    member: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class LimitPod:
    limits: PodLimits


def outsized(members: Sequence[Member], seen: PodSeen, applied: Applied = frozenset()) -> Sequence[Outsized]:
    """The containers that run with other limits than wanted. What is in `applied` the engine has taken, and does not
    show: it drops what its kernel cannot do."""
    by_name = {member.name: member for member in members}
    running = [each for each in seen.containers if each.state is State.RUNNING and each.name in by_name]
    found = ((by_name[each.name], each) for each in running)
    return [
        (member, each) for member, each in found if changed(member, each) and (each.id, member.limits) not in applied
    ]


def changed(member: Member, container: ContainerSeen) -> frozenset[str]:
    """The resources whose limits differ: cpu, memory. What nobody limits may be as it is."""
    wanted, has = member.limits, container.limits
    if wanted is None:
        return frozenset()
    pairs = {
        "cpu": [(wanted.cpu_shares, has.cpu_shares), (wanted.cpu_quota_milli, has.cpu_quota_milli)],
        "memory": [(wanted.memory_bytes, has.memory_bytes)],
    }
    return frozenset(name for name, each in pairs.items() if any(new and new != old for new, old in each))


def must_restart(member: Member, container: ContainerSeen) -> bool:
    """By the container's resizePolicy. Of a dead one: it was stopped for that, and comes again."""
    return bool(member.restarts_for & changed(member, container))


def next_limit(
    pod: PodLimits | None, known: PodLimits | None, due: Sequence[Outsized]
) -> LimitContainer | LimitPod | None:
    """`known` is what the pod's cgroup was last limited to; `pod` None: it has none."""
    if pod and due:
        wide = pod.looser(known or PodLimits())
        if wide != known:
            return LimitPod(wide)
    if due:
        member, container = min(due, key=_growth)
        assert member.limits is not None
        return LimitContainer(container.id, member.name, member.limits)
    return LimitPod(pod) if pod and pod != known else None


def _growth(found: Outsized) -> tuple[int, int]:
    member, container = found
    assert member.limits is not None
    return (
        member.limits.memory_bytes - container.limits.memory_bytes,
        member.limits.cpu_quota_milli - container.limits.cpu_quota_milli,
    )
