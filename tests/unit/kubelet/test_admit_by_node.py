"""Which pods a node takes, by what it has left and how it is; the words of its refusals."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from lightkube.models.core_v1 import Taint

from kubelet.node.admit import Candidate, Rejection, rejection
from kubelet.node.pressure import Pressure
from kubelet.wanted import NodeFacts

from .build import typed_pod

ALLOCATABLE = {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "10Gi", "pods": "3"}


def asking(requests: Mapping[str, str] | None = None, **spec: Any) -> Any:
    return typed_pod([{"name": "app", "resources": {"requests": dict(requests or {})}}], **spec)


def judged(pod: Any, others: Sequence[Any] = (), **facts: Any) -> tuple[str, str] | None:
    node = NodeFacts("n1", **{"allocatable": ALLOCATABLE, "labels": {"disk": "ssd"}, **facts})
    found = rejection(Candidate(pod, others, node))
    return found and tuple(found)


def short(name: str, requested: int, used: int, capacity: int) -> tuple[str, str]:
    amounts = f"requested: {requested}, used: {used}, capacity: {capacity}"
    return f"OutOf{name}", f"Node didn't have enough resource: {name}, {amounts}"


GI = 1 << 30


@pytest.mark.parametrize(
    ("requests", "others", "expected"),
    [
        ({"cpu": "2"}, [], None),
        ({"cpu": "2001m"}, [], short("cpu", 2001, 0, 2000)),
        ({"cpu": "1"}, [{"cpu": "1500m"}], short("cpu", 1000, 1500, 2000)),
        ({"memory": "1Gi"}, [{"cpu": "1"}], None),
        ({"memory": "1Gi"}, [{"memory": "1Mi"}], short("memory", GI, 1 << 20, GI)),
        ({"ephemeral-storage": "11Gi"}, [], short("ephemeral-storage", 11 * GI, 0, 10 * GI)),
        ({}, [{}] * 3, short("pods", 1, 3, 3)),
        ({"example.com/gpu": "1"}, [], None),
        ({}, [{"cpu": "9"}], None),
    ],
)
def test_a_pod_must_fit_beside_the_others(requests: Any, others: list[Any], expected: Any) -> None:
    assert judged(asking(requests), [asking(each) for each in others]) == expected


def test_the_status_of_who_does_not_fit_says_so() -> None:
    failure = Rejection(*short("cpu", 2001, 0, 2000)).failure
    words = "Pod was rejected: Node didn't have enough resource: cpu, requested: 2001, used: 0, capacity: 2000"
    assert (failure.reason, failure.message) == ("OutOfcpu", words)


def terms(*expressions: dict[str, Any]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, True),
        ({"nodeSelector": {"disk": "hdd"}}, False),
        ({"affinity": terms({"key": "disk", "operator": "In", "values": ["ssd"]})}, True),
        ({"affinity": terms({"key": "disk", "operator": "DoesNotExist"})}, False),
    ],
)
def test_a_pod_that_chose_other_nodes_is_sent_away(spec: dict[str, Any], fits: bool) -> None:
    words = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    assert judged(asking(**spec)) == (None if fits else ("NodeAffinity", words))


def test_before_the_node_has_labels_nobody_is_judged_by_them() -> None:
    assert judged(asking(nodeSelector={"disk": "hdd"}), labels={}) is None


TAINT = Taint(effect="NoExecute", key="dedicated", value="db")


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        (None, False),
        ({"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoExecute"}, True),
        ({"key": "dedicated", "value": "web"}, False),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"operator": "Exists"}, True),
    ],
)
def test_a_taint_that_would_end_a_pod_keeps_it_from_starting(toleration: Any, fits: bool) -> None:
    words = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
    pod = asking(tolerations=[toleration] if toleration else [])
    assert judged(pod, taints=[TAINT]) == (None if fits else ("TaintToleration", words))


def test_static_pods_stand_every_taint() -> None:
    pod = asking()
    pod.metadata.annotations = {"kubernetes.io/config.hash": pod.metadata.uid}
    assert judged(pod, taints=[TAINT]) is None


def test_under_pressure_and_at_shutdown_no_pod_is_let_in() -> None:
    assert judged(asking(), pressure=Pressure(disk=True)) == ("Evicted", "The node had condition: [DiskPressure]. ")
    words = "Pod was rejected as the node is shutting down."
    assert judged(asking(), shutting_down=True) == ("NodeShutdown", words)
