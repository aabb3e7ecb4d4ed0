"""In which order pods end when the machine does, and how long each group has."""

from typing import Any

import pytest

from kubelet.configuration import configuration
from kubelet.node import logind
from kubelet.node.shutdown import Group, grouped, periods, terminated, total

from .build import typed_pod

SIMPLE = configuration({"shutdownGracePeriod": "30s", "shutdownGracePeriodCriticalPods": "10s"})
CRITICAL = 2_000_000_000


def pod(name: str, priority: int | None = None, **spec: Any) -> Any:
    made = typed_pod(priority=priority, **spec)
    made.metadata.name = made.metadata.uid = name
    return made


def names(groups: Any) -> list[tuple[int, list[str]]]:
    return [(group.priority, [each.metadata.name for each in group.pods]) for group in groups]


def test_normal_pods_have_what_critical_ones_leave() -> None:
    assert periods(SIMPLE) == [Group(0, 20), Group(CRITICAL, 10)]
    assert total(SIMPLE) == 30


def test_without_a_grace_period_nothing_is_done() -> None:
    assert periods(configuration({})) == [] and total(configuration({})) == 0


def test_normal_pods_end_before_critical_ones() -> None:
    static = pod("static")
    static.metadata.annotations = {"kubernetes.io/config.hash": "static"}
    pods = [pod("node", CRITICAL + 1000), static, pod("web"), pod("low", -5), pod("high", 1_000_000)]
    assert names(grouped(periods(SIMPLE), pods)) == [(0, ["web", "low", "high"]), (CRITICAL, ["node", "static"])]


def test_groups_by_priority_reach_up_to_the_next() -> None:
    given = [{"priority": each, "shutdownGracePeriodSeconds": each // 10} for each in (1000, 10, 100)]
    groups = periods(configuration({"shutdownGracePeriodByPodPriority": given}))
    pods = [pod(str(each), each) for each in (-1, 10, 11, 99, 100, 5000)]
    assert names(grouped(groups, pods)) == [(10, ["-1", "10", "11", "99"]), (100, ["100"]), (1000, ["5000"])]


@pytest.mark.parametrize(("own", "expected"), [(5, 5), (300, 20), (None, 20)])
def test_a_pod_has_its_own_time_but_not_more_than_its_group(own: int | None, expected: int) -> None:
    failure = terminated(pod("web", terminationGracePeriodSeconds=own), Group(0, 20))
    assert failure.grace_seconds == expected
    assert (failure.reason, failure.message) == (
        "Terminated",
        "Pod was terminated in response to imminent node shutdown.",
    )
    assert dict(failure.conditions[0])["reason"] == "TerminationByKubelet"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}\n', True),
        (b'{"member":"PrepareForShutdown","payload":{"type":"b","data":[false]}}\n', False),
        (b'{"member":"PrepareForSleep","payload":{"type":"b","data":[true]}}\n', None),
        (b'{"member":"PrepareForShutdown"}\n', None),
        (b"Monitoring bus message stream.\n", None),
        (b"[]", None),
    ],
)
def test_what_logind_announces(line: bytes, expected: bool | None) -> None:
    assert logind.announced(line) is expected
