"""Who goes to make room for a pod that the system needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kubelet.node.make_room import victims

from .build import typed_pod
from .conftest import Node, pod

ALLOCATABLE = {"cpu": "4", "memory": "4Gi", "pods": "10"}
CRITICAL = 2_000_000_000


def made(name: str, requests: Mapping[str, str] | None = None, guaranteed: bool = False, **spec: Any) -> Any:
    resources = {"requests": dict(requests or {})} | ({"limits": dict(requests or {})} if guaranteed else {})
    found = typed_pod([{"name": "app", "resources": resources}], **spec)
    found.metadata.name = found.metadata.uid = name
    return found


BEST = made("best")
SMALL, LARGE = made("small", {"cpu": "500m"}), made("large", {"cpu": "2"})
SURE = made("sure", {"cpu": "1500m", "memory": "1Gi"}, guaranteed=True)
SYSTEM = made("system", {"cpu": "1"}, priority=CRITICAL)


def gone(requests: Mapping[str, str], *others: Any, priority: int = CRITICAL + 1, pods: str = "10") -> list[str]:
    wanting = made("wanting", requests, priority=priority)
    return [each.metadata.name for each in victims(wanting, others, {**ALLOCATABLE, "pods": pods})]


@pytest.mark.parametrize(
    ("requests", "others", "expected"),
    [
        ({"cpu": "1"}, [SMALL], []),
        ({"cpu": "2"}, [SMALL, LARGE], ["small"]),
        ({"cpu": "2500m"}, [SMALL, LARGE], ["large"]),
        ({"cpu": "4"}, [SMALL, LARGE], ["large", "small"]),
        ({"cpu": "2"}, [SMALL, LARGE, SURE], ["large"]),
        ({"cpu": "4"}, [SMALL, LARGE, SURE], ["large", "small", "sure"]),
        ({"cpu": "5"}, [SMALL, LARGE], []),
        ({"memory": "3500Mi"}, [LARGE, SURE], ["sure"]),
        ({"cpu": "3500m"}, [SYSTEM], ["system"]),
    ],
)
def test_as_few_and_as_weak_as_will_do(requests: Any, others: list[Any], expected: list[str]) -> None:
    assert gone(requests, *others) == expected


def test_for_an_ordinary_pod_nobody_goes() -> None:
    assert gone({"cpu": "3"}, LARGE, priority=1000) == []


def test_a_pod_of_the_same_rank_stays() -> None:
    assert gone({"cpu": "3500m"}, SYSTEM, priority=CRITICAL) == []


def test_places_are_made_too() -> None:
    assert gone({}, BEST, SMALL, pods="2") == ["best"]


async def test_a_critical_pod_takes_the_place_of_another(node: Node) -> None:
    node.facts = replace(node.facts, allocatable={"cpu": "1", "pods": "10"})
    asks = [{"name": "app", "resources": {"requests": {"cpu": "800m"}}}]
    await node.add(pod("web", containers=asks))
    await node.add(pod("late", containers=[dict(each) for each in asks]))
    assert node.status("late")["reason"] == "OutOfcpu"
    uid = await node.add(pod("critical", containers=[dict(each) for each in asks], priority=CRITICAL))
    assert node.runtime.running(uid, "app")
    told = node.status("web")
    assert (told["phase"], told["reason"]) == ("Failed", "Preempting")
    assert told["message"] == "Preempted in order to admit critical pod"
    assert ("Preempting", told["message"]) in node.events()
