"""What a DELETE comes to."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.objects.deletion import DeleteOptions, Step, decide, goes_with_update
from tests.unit.apiserver.conftest import NAMESPACE, NOTE, POD

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def body(**meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", **meta}, "spec": {"nodeName": "n1"}}


def test_an_object_that_nothing_holds_goes() -> None:
    assert decide(NOTE, body(), DeleteOptions(), NOW) is Step.GO


@pytest.mark.parametrize(
    ("options", "finalizers"),
    [
        (DeleteOptions(propagation="Foreground"), ["hold.example.com/x", "foregroundDeletion"]),
        (DeleteOptions(propagation="Orphan"), ["hold.example.com/x", "orphan"]),
        (DeleteOptions(orphan_dependents=True), ["hold.example.com/x", "orphan"]),
        (DeleteOptions(propagation="Background"), ["hold.example.com/x"]),
        (DeleteOptions(), ["hold.example.com/x"]),
    ],
)
def test_propagation_leaves_its_finalizer(options: DeleteOptions, finalizers: list[str]) -> None:
    found = body(finalizers=["hold.example.com/x"], generation=3)
    assert decide(NOTE, found, options, NOW) is Step.MARK
    assert found["metadata"]["finalizers"] == finalizers
    assert found["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    assert found["metadata"]["generation"] == 4


def test_foreground_alone_holds_an_object() -> None:
    assert decide(NOTE, body(), DeleteOptions(propagation="Foreground"), NOW) is Step.MARK


def test_background_takes_an_earlier_foreground_back() -> None:
    found = body(finalizers=["foregroundDeletion"])
    assert decide(NOTE, found, DeleteOptions(propagation="Background"), NOW) is Step.GO


def test_a_second_delete_waits() -> None:
    found = body(finalizers=["x.example.com/y"])
    decide(NOTE, found, DeleteOptions(), NOW)
    assert decide(NOTE, found, DeleteOptions(), NOW) is Step.WAIT


def test_grace_may_only_shrink() -> None:
    pod = body()
    assert decide(POD, pod, DeleteOptions(grace_seconds=45), NOW) is Step.MARK
    assert pod["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:45Z"
    assert decide(POD, pod, DeleteOptions(grace_seconds=60), NOW) is Step.WAIT
    assert decide(POD, pod, DeleteOptions(), NOW) is Step.WAIT
    assert decide(POD, pod, DeleteOptions(grace_seconds=20), NOW) is Step.MARK
    assert pod["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:20Z"
    assert decide(POD, pod, DeleteOptions(grace_seconds=-1), NOW) is Step.MARK
    assert pod["metadata"]["deletionGracePeriodSeconds"] == 1
    assert decide(POD, pod, DeleteOptions(grace_seconds=0), NOW) is Step.MARK_AND_GO


def test_a_pod_that_no_node_has_seen_goes_at_once_whatever_was_asked() -> None:
    pod = {"metadata": {"name": "p"}}
    assert decide(POD, pod, DeleteOptions(grace_seconds=60), NOW) is Step.MARK_AND_GO


def test_a_pod_with_a_finalizer_stays_at_no_grace() -> None:
    pod = body(finalizers=["x.example.com/y"])
    assert decide(POD, pod, DeleteOptions(grace_seconds=0), NOW) is Step.MARK
    assert goes_with_update(POD, body(), pod)


def test_a_pod_whose_grace_runs_does_not_go_with_an_update() -> None:
    pod = body()
    decide(POD, pod, DeleteOptions(), NOW)
    assert not goes_with_update(POD, pod, pod)


def test_a_namespace_is_held_by_the_finalizers_of_its_spec() -> None:
    namespace: dict[str, Any] = {"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}}
    assert decide(NAMESPACE, namespace, DeleteOptions(), NOW) is Step.MARK
    assert not goes_with_update(NAMESPACE, namespace, namespace)
    assert goes_with_update(NAMESPACE, {**namespace, "spec": {}}, namespace)
    assert "deletionGracePeriodSeconds" not in namespace["metadata"]
