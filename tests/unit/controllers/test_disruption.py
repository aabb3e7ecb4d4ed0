"""How many pods of a budget may go."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from controllers import disruption
from controllers.disruption import Verdict, judge
from podling.api.errors import ServiceUnavailable
from podling.client.resource import POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS, Partial, Resource

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pods(ready: int, unready: int = 0) -> list[Any]:
    def pod(number: int) -> Any:
        condition = SimpleNamespace(type="Ready", status="True" if number < ready else "False")
        metadata = SimpleNamespace(name=f"p{number}", deletionTimestamp=None)
        return SimpleNamespace(metadata=metadata, status=SimpleNamespace(conditions=[condition]))

    return [pod(number) for number in range(ready + unready)]


def spec(**given: Any) -> Any:
    return SimpleNamespace(**{"minAvailable": None, "maxUnavailable": None, **given})


@pytest.mark.parametrize(
    ("given", "ready", "unready", "expected", "wanted"),
    [
        ({"minAvailable": 2}, 3, 0, 3, (3, 2, 3, 1)),
        ({"minAvailable": 2}, 1, 2, 3, (1, 2, 3, 0)),
        ({"minAvailable": "50%"}, 3, 0, 3, (3, 2, 3, 1)),  # half of three, rounded up
        ({"maxUnavailable": 1}, 3, 0, 3, (3, 2, 3, 1)),
        ({"maxUnavailable": 1}, 2, 1, 3, (2, 2, 3, 0)),
        ({"maxUnavailable": "34%"}, 3, 0, 3, (3, 1, 3, 2)),
        ({"maxUnavailable": 5}, 3, 0, 3, (3, 0, 3, 3)),
        ({"minAvailable": 0}, 0, 0, 0, (0, 0, 0, 0)),
        ({"maxUnavailable": 0}, 4, 0, 3, (4, 3, 3, 1)),
    ],
)
def test_what_may_go_is_what_is_healthy_beyond_what_is_wanted(
    given: dict[str, Any], ready: int, unready: int, expected: int, wanted: tuple[int, ...]
) -> None:
    assert judge(spec(**given), pods(ready, unready), expected, {}, NOW) == Verdict(*wanted, {})


def test_an_evicted_pod_counts_as_gone_for_two_minutes() -> None:
    seen = judge(spec(minAvailable=1), pods(2), 2, {"p0": NOW - timedelta(seconds=100), "gone": NOW}, NOW)
    assert (seen.current_healthy, seen.allowed, list(seen.disrupted)) == (1, 0, ["p0"])
    later = judge(spec(minAvailable=1), pods(2), 2, {"p0": NOW - timedelta(seconds=121)}, NOW)
    assert (later.current_healthy, later.allowed, dict(later.disrupted)) == (2, 1, {})


def budget(bench: Any, **given: Any) -> None:
    metadata = {"name": "b", "namespace": "default", "generation": 1}
    bench.client.add(
        POD_DISRUPTION_BUDGETS, {"metadata": metadata, "spec": {"selector": {"matchLabels": {"app": "a"}}, **given}}
    )


def pod(bench: Any, name: str, owner: str = "", kind: dict[str, str] | None = None) -> None:
    metadata: dict[str, Any] = {"name": name, "namespace": "default", "labels": {"app": "a"}}
    if owner:
        who = {"apiVersion": "apps/v1", "kind": "ReplicaSet", **(kind or {})}
        metadata["ownerReferences"] = [{**who, "name": owner, "uid": owner, "controller": True}]
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    bench.client.add(PODS, {"metadata": metadata, "spec": {"containers": []}, "status": status})


def told(bench: Any) -> Any:
    return bench.client.find(POD_DISRUPTION_BUDGETS, "b")["status"]


async def test_a_budget_follows_its_pods(bench: Any) -> None:
    budget(bench, minAvailable=1)
    pod(bench, "p")
    await bench.start(disruption.control)
    await bench.wait()
    assert (told(bench)["disruptionsAllowed"], told(bench)["conditions"][0]["reason"]) == (0, "InsufficientPods")
    pod(bench, "q")
    await bench.wait()
    assert (told(bench)["disruptionsAllowed"], told(bench)["conditions"][0]["reason"]) == (1, "SufficientPods")


async def test_a_share_is_of_what_the_controllers_are_scaled_to(bench: Any) -> None:
    budget(bench, maxUnavailable="50%")
    metadata = {"name": "r", "namespace": "default", "uid": "r"}
    template = {"selector": {}, "replicas": 4, "template": {"spec": {"containers": []}}}
    bench.client.add(REPLICA_SETS, {"metadata": metadata, "spec": template})
    for name in ("p", "q", "s"):
        pod(bench, name, owner="r")
    await bench.start(disruption.control)
    await bench.wait()
    assert [told(bench)[name] for name in ("expectedPods", "desiredHealthy", "disruptionsAllowed")] == [4, 2, 1]


async def test_a_pod_whose_controller_is_another_one_by_now_lets_nothing_go(bench: Any) -> None:
    budget(bench, maxUnavailable=1)
    bench.client.add(
        REPLICA_SETS,
        {"metadata": {"name": "r", "namespace": "default", "uid": "new"}, "spec": {"selector": {}, "replicas": 1}},
    )
    pod(bench, "p", owner="r")
    await bench.start(disruption.control)
    await bench.wait()
    (condition,) = told(bench)["conditions"]
    assert told(bench)["disruptionsAllowed"] == 0
    assert (condition["reason"], condition["message"]) == ("SyncFailed", 'found no controllers for pod "p"')


BOATS = Resource("example.com", "v1", "boats", "Boat", Partial)
BOAT = {"apiVersion": "example.com/v1", "kind": "Boat"}


async def test_a_custom_controller_is_asked_for_its_scale(bench: Any) -> None:
    budget(bench, minAvailable="50%")
    bench.client.custom.append(BOATS)
    bench.client.subresources["boats"] = {"status", "scale"}
    for name, replicas in (("red", 4), ("blue", 2)):
        bench.client.add(BOATS, {"metadata": {"name": name, "uid": name}, "spec": {"replicas": replicas}})
        for number in range(2):
            pod(bench, f"{name}-{number}", name, BOAT)
    await bench.start(disruption.control)
    await bench.wait()
    assert [told(bench)[name] for name in ("expectedPods", "desiredHealthy", "disruptionsAllowed")] == [6, 3, 1]


@pytest.mark.parametrize(
    ("subresources", "uid", "kind", "words"),
    [
        ({"scale"}, "other", BOAT, 'found no controllers for pod "p"'),
        ({"status"}, "b", BOAT, "boats.example.com does not implement the scale subresource"),
        ({"scale"}, "b", {**BOAT, "kind": "Ship"}, 'no matches for kind "Ship" in version "example.com/v1"'),
        ({"scale"}, "b", {"kind": "Boat"}, 'no matches for kind "Boat" in version "apps/v1"'),
    ],
)
async def test_a_custom_controller_that_says_nothing_lets_nothing_go(
    bench: Any, subresources: set[str], uid: str, kind: dict[str, str], words: str
) -> None:
    budget(bench, maxUnavailable=1)
    bench.client.custom.append(BOATS)
    bench.client.subresources["boats"] = subresources
    bench.client.add(BOATS, {"metadata": {"name": "b", "uid": uid}, "spec": {"replicas": 1}})
    pod(bench, "p", "b", kind)
    await bench.start(disruption.control)
    await bench.wait()
    (condition,) = told(bench)["conditions"]
    assert (condition["reason"], condition["message"]) == ("SyncFailed", words)


async def test_a_scale_that_cannot_be_read_now_is_asked_for_again(bench: Any) -> None:
    def away(verb: str, plural: str, name: str) -> None:
        if plural == "boats":
            raise ServiceUnavailable("it is away")

    budget(bench, maxUnavailable=1)
    bench.client.custom.append(BOATS)
    bench.client.subresources["boats"] = {"scale"}
    bench.client.add(BOATS, {"metadata": {"name": "b", "uid": "b"}, "spec": {"replicas": 1}})
    pod(bench, "p", "b", BOAT)
    bench.client.fail = away
    await bench.start(disruption.control)
    await bench.wait()
    assert told(bench)["conditions"][0]["message"] == "it is away"
    bench.client.fail = lambda verb, plural, name: None
    await bench.wait(11)
    assert (told(bench)["expectedPods"], told(bench)["disruptionsAllowed"]) == (1, 1)


async def test_pods_without_a_controller_are_told_of_and_let_nothing_go(bench: Any) -> None:
    budget(bench, maxUnavailable=1)
    pod(bench, "p")
    await bench.start(disruption.control)
    await bench.wait()
    assert (told(bench)["expectedPods"], told(bench)["disruptionsAllowed"]) == (0, 0)
    assert told(bench)["conditions"][0]["reason"] == "InsufficientPods"
    assert [event["reason"] for (kind, _, _), event in bench.client.objects.items() if kind == "events"] == [
        "UnmanagedPods"
    ]
