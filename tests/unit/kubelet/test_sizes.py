"""The order in which limits are changed, over a kernel that refuses a container more than its pod has."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.machine import RESIZE, Stop, Wanted, step
from kubelet.member import Member
from kubelet.runtime import ContainerSeen, PodRef, PodSeen, SandboxSeen, State
from kubelet.sizes import LimitContainer, LimitPod

REF = PodRef("u", "default", "web")


def member(limits: Limits, *restarts_for: str, policy: str = "Always", name: str = "app") -> Member:
    return Member(name, "h", policy=policy, limits=limits, restarts_for=frozenset(restarts_for))


def running(limits: Limits, name: str = "app", state: State = State.RUNNING) -> ContainerSeen:
    return ContainerSeen(name, name, 0, state, "busybox", "", "h", sandbox_id="s", limits=limits)


def seen(*containers: ContainerSeen) -> PodSeen:
    return PodSeen(REF, [SandboxSeen("s", 0, True, "10.0.0.2")], containers)


def test_a_container_that_runs_is_limited_anew() -> None:
    wanted = Wanted(REF, [member(Limits(512, 500, 64))])
    assert step(wanted, seen(running(Limits(512, 200, 64)))) == LimitContainer("app", "app", Limits(512, 500, 64))
    assert step(wanted, seen(running(Limits(512, 500, 64)))) is None
    assert step(wanted, seen(running(Limits(512, 200, 64))), {RESIZE}) is None, "the engine has just refused it"


def test_what_the_engine_took_and_does_not_show_is_not_asked_of_it_again() -> None:
    """Without root, or on a kernel without the controller, Docker drops a limit with a warning."""
    wanted = Wanted(REF, [member(Limits(512, 500, 64))], applied={("app", Limits(512, 500, 64))})
    assert step(wanted, seen(running(Limits(0, 0, 0)))) is None
    assert step(replace(wanted, members=[member(Limits(512, 600, 64))]), seen(running(Limits(0, 0, 0)))) is not None


def test_what_nobody_limits_may_be_as_it_is() -> None:
    assert step(Wanted(REF, [member(Limits())]), seen(running(Limits(512, 200, 64)))) is None


@pytest.mark.parametrize(
    ("has", "action"), [(Limits(2, 100, 64), LimitContainer), (Limits(2, 200, 32), Stop), (Limits(2, 100, 32), Stop)]
)
def test_a_resource_may_need_a_restart(has: Limits, action: type[object]) -> None:
    wanted = Wanted(REF, [member(Limits(2, 200, 64), "memory")])
    found = step(wanted, seen(running(has)))
    assert isinstance(found, action)
    if isinstance(found, Stop):
        assert found.why == "resize requires restart"


def test_what_was_stopped_to_be_resized_comes_again_though_it_ended_well() -> None:
    """The kubelet may be killed between the stop and the start."""
    ended = running(Limits(2, 0, 32), state=State.EXITED)
    again = step(Wanted(REF, [member(Limits(2, 0, 64), "memory", policy="OnFailure")]), seen(ended))
    assert getattr(again, "launches", None) == [("app", 1)]
    done = step(Wanted(REF, [member(Limits(2, 0, 32), "memory", policy="OnFailure")]), seen(ended))
    assert getattr(done, "launches", None) is None


class Kernel:
    """Checks what the kernel checks; `pod` None: nobody remembers what the pod has."""

    def __init__(self, pod: PodLimits, containers: dict[str, Limits]) -> None:
        self.pod, self.containers = pod, containers

    def apply(self, action: object) -> None:
        if isinstance(action, LimitPod):
            self.pod = action.limits
        else:
            assert isinstance(action, LimitContainer)
            self.containers[action.id] = action.limits
        for most, each in ((self.pod.cpu_quota_milli, 1), (self.pod.memory_bytes, 2)):
            assert not most or all(limits[each] <= most for limits in self.containers.values()), "EINVAL"


limits = st.builds(lambda cpu, memory: Limits(2, cpu * 100, memory * 64), st.integers(1, 9), st.integers(1, 9))


def total(found: list[Limits]) -> PodLimits:
    return PodLimits(4, sum(each.cpu_quota_milli for each in found), sum(each.memory_bytes for each in found))


@given(st.lists(st.tuples(limits, limits), min_size=1, max_size=3), st.booleans())
def test_no_step_of_a_resize_is_one_that_the_kernel_refuses(
    sizes: list[tuple[Limits, Limits]], forgotten: bool
) -> None:
    names = [f"c{number}" for number in range(len(sizes))]
    before, after = [old for old, _ in sizes], [new for _, new in sizes]
    kernel = Kernel(total(before), dict(zip(names, before, strict=True)))
    wanted = Wanted(
        REF,
        [member(new, name=name) for name, new in zip(names, after, strict=True)],
        pod_limits=total(after),
        pod_limited=None if forgotten else total(before),
    )
    for _ in range(20):
        action = step(wanted, seen(*(running(has, name) for name, has in kernel.containers.items())))
        if action is None:
            break
        kernel.apply(action)
        if isinstance(action, LimitPod):
            wanted = replace(wanted, pod_limited=action.limits)
    assert kernel.pod == total(after) and list(kernel.containers.values()) == after
