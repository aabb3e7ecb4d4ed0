"""A pod that is evicted says so."""

from typing import Any

from apiserver.verbs.eviction import WHY, mark

NOW, BEFORE = "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"


def test_the_pod_says_why_it_goes() -> None:
    pod: dict[str, Any] = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    mark(pod, NOW)
    assert pod["status"]["conditions"][1] == {**WHY, "lastProbeTime": None, "lastTransitionTime": NOW}
    assert (WHY["reason"], WHY["message"]) == ("EvictionByEvictionAPI", "Eviction API: evicting")


def test_a_pod_that_was_to_go_already_goes_since_then() -> None:
    pod = {"status": {"conditions": [{**WHY, "reason": "DeletionByTaintManager", "lastTransitionTime": BEFORE}]}}
    mark(pod, NOW)
    assert pod["status"]["conditions"] == [{**WHY, "lastTransitionTime": BEFORE}]
