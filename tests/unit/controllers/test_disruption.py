"""How many pods of a budget may go."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from controllers import disruption
from controllers.disruption import Verdict, judge
from podling.client.resource import POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS

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


def pod(bench: Any, name: str, owner: str = "") -> None:
    metadata: dict[str, Any] = {"name": name, "namespace": "default", "labels": {"app": "a"}}
    if owner:
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}
        metadata["ownerReferences"] = [reference]
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
