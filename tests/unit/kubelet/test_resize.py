"""What the node admits of a resize, and the words for it."""

from typing import Any

import pytest

from kubelet.resize import Pending, Resize, conditions, decide, summary
from podling.api import resources

from .build import typed_pod

NODE = {"cpu": "2", "memory": "1Gi"}
Data = dict[str, Any]


def amounts(cpu: str, memory: str) -> Data:
    return {side: {"cpu": cpu, "memory": memory} for side in ("limits", "requests")}


def pod(given: Data, **spec: Any) -> Any:
    return typed_pod([{"name": "app", "resources": given}], **spec)


def status(given: Data) -> Data:
    told = {"name": "app", "containerID": "docker://1", "allocatedResources": given["requests"], "resources": given}
    return {"containerStatuses": [told]}


def test_nothing_changed_is_no_resize() -> None:
    wanted = pod(amounts("1", "64Mi"))
    assert decide(wanted, status(amounts("1000m", "65536Ki")), NODE, []) == (wanted, None, False)


def test_a_pod_that_has_not_started_is_as_it_is_wanted() -> None:
    wanted = pod(amounts("1", "64Mi"))
    assert decide(wanted, {}, NODE, []) == (wanted, None, False)


def test_what_fits_is_admitted() -> None:
    wanted = pod(amounts("1500m", "64Mi"))
    assert decide(wanted, status(amounts("1", "64Mi")), NODE, [pod(amounts("500m", "1Mi"))]) == (wanted, None, True)


@pytest.mark.parametrize(
    ("cpu", "memory", "pending"),
    [
        ("3", "1Mi", ("Infeasible", "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000")),
        (
            *("1", "2Gi"),
            ("Infeasible", "Node didn't have enough capacity: memory, requested: 2147483648, capacity: 1073741824"),
        ),
        (
            *("1800m", "1Mi"),
            ("Deferred", "Node didn't have enough resource: cpu, requested: 1800, used: 500, capacity: 2000"),
        ),
    ],
)
def test_what_does_not_fit_waits_and_the_pod_stays_as_it_was(cpu: str, memory: str, pending: tuple[str, str]) -> None:
    before = amounts("1", "1Mi")
    decision = decide(pod(amounts(cpu, memory)), status(before), NODE, [pod(amounts("500m", "1Mi"))])
    assert decision.pending == Pending(*pending) and not decision.is_new
    assert decision.pod.spec.containers[0].resources.requests == before["requests"]
    assert decision.pod.spec.containers[0].resources.limits == before["limits"]


def test_the_pod_that_the_api_told_is_left_alone() -> None:
    wanted = pod(amounts("3", "1Mi"))
    decide(wanted, status(amounts("1", "1Mi")), NODE, [])
    assert wanted.spec.containers[0].resources.requests["cpu"] == "3"


def test_what_shrinks_is_admitted_though_the_node_is_full() -> None:
    others = [pod(amounts("2", "1Gi"))]
    assert decide(pod(amounts("500m", "1Mi")), status(amounts("1", "1Mi")), NODE, others).is_new


def test_limits_alone_are_nobodys_room() -> None:
    wanted = pod({"limits": {"cpu": "8"}, "requests": {"cpu": "1"}})
    before = {"limits": {"cpu": "4"}, "requests": {"cpu": "1"}}
    assert decide(wanted, status(before), NODE, []) == (wanted, None, True)


def test_what_cannot_be_resized_is_kept_beside_what_can() -> None:
    wanted = pod({"requests": {"cpu": "3", "ephemeral-storage": "1Gi"}})
    decision = decide(wanted, status({"requests": {"cpu": "1"}}), NODE, [])
    assert decision.pod.spec.containers[0].resources.requests == {"ephemeral-storage": "1Gi", "cpu": "1"}


def test_the_pods_own_resources_are_resized_too() -> None:
    wanted = pod({}, resources=amounts("3", "1Mi"))
    told = {**status({"requests": {}}), **{"allocatedResources": {"cpu": "1", "memory": "1Mi"}}}
    decision = decide(wanted, {**told, "resources": amounts("1", "1Mi")}, NODE, [])
    assert decision.pending and decision.pending.reason == "Infeasible"
    assert resources.requests(decision.pod.spec)["cpu"] == 1000


def test_conditions_tell_what_waits_and_what_is_under_way() -> None:
    assert conditions(Resize()) == []
    assert conditions(Resize(generation=2)) == [("PodResizeInProgress", True, "", "")]
    both = Resize(Pending("Deferred", "full"), 2, failed="too little")
    assert conditions(both) == [
        ("PodResizePending", True, "Deferred", "full"),
        ("PodResizeInProgress", True, "Error", "too little"),
    ]


def test_events_tell_the_resources_of_each_container() -> None:
    found = summary(pod({"limits": {"memory": "1Mi", "cpu": "1"}}), 2, "no")
    assert found == (
        '{"containers":[{"name":"app","resources":{"limits":{"cpu":"1","memory":"1Mi"}}}],"generation":2,"error":"no"}'
    )
