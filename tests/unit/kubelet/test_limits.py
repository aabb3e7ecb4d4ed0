from typing import Any

import pytest

from kubelet.cgroups.limits import Limits, PodLimits, container_limits, pod_limits

from .build import typed_pod


def of(*resources: dict[str, Any], **spec: Any) -> PodLimits:
    return pod_limits(typed_pod([{"name": f"c{n}", "resources": each} for n, each in enumerate(resources)], **spec))


def test_a_containers_limits() -> None:
    pod = typed_pod([{"name": "app", "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "64Mi"}}}])
    assert container_limits(pod.spec.containers[0]) == Limits(256, 0, 64 << 20)
    small = typed_pod([{"name": "app", "resources": {"limits": {"cpu": "1m"}}}])
    assert container_limits(small.spec.containers[0]) == Limits(2, 10, 0), "less than 10m the kernel cannot count"


BOTH = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "64Mi"}}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (of({}), PodLimits(2)),
        (of(BOTH, BOTH), PodLimits(512, 1000, 128 << 20)),
        (of(BOTH, {}), PodLimits(256)),  # one container without limits: the sum is none
        (of(BOTH, {"limits": {"memory": "1Mi"}}), PodLimits(256, 0, 65 << 20)),
        (of({}, resources={"limits": {"memory": "1Mi"}}), PodLimits(2, 0, 1 << 20, required=True)),
        (
            of({}, resources={"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}),
            PodLimits(1024, 2000, 0, required=True),
        ),
        (of(BOTH, overhead={"cpu": "250m", "memory": "1Mi"}), PodLimits(512, 750, 65 << 20)),
        (
            of({"limits": {"cpu": "1", "memory": "1Mi", "hugepages-2Mi": "4Mi"}}),
            PodLimits(1024, 1000, 1 << 20, ((2 << 20, 4 << 20),), True),
        ),
    ],
)
def test_a_pods_limits(limits: PodLimits, expected: PodLimits) -> None:
    assert limits == expected


def test_an_init_container_without_limits_leaves_the_pod_without() -> None:
    assert of(BOTH, initContainers=[{"name": "init"}]) == PodLimits(256)


def test_on_the_way_from_one_limit_to_another_the_wider_holds() -> None:
    wide, narrow = PodLimits(2, 500, 64), PodLimits(4, 200, 128)
    assert narrow.looser(wide) == PodLimits(4, 500, 128)
    assert narrow.looser(PodLimits()) == PodLimits(4, 0, 0), "none is the widest"
