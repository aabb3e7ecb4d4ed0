"""A scheduler's decision, written to a pod."""

from typing import Any

import pytest

from apiserver.refusal import Unexplained
from apiserver.verbs.binding import assign, check
from podling.api.errors import Conflict

Object = dict[str, Any]
NOW = "2026-01-01T00:00:00Z"


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "web", "uid": "u"}, "spec": spec, "status": {}}


def binding(**meta: Any) -> Object:
    return {"metadata": {"name": "web", **meta}, "target": {"kind": "Node", "name": "n1"}}


def test_the_pod_gets_its_node_its_condition_and_the_nodes_zone() -> None:
    bound, zone = pod(), "topology.kubernetes.io/zone"
    node = {"metadata": {"labels": {zone: "z1", "disk": "ssd"}}}
    assign(bound, binding(annotations={"why": "it fits"}), node, NOW)
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["metadata"]["labels"] == {zone: "z1"}
    assert bound["metadata"]["annotations"] == {"why": "it fits"}
    (condition,) = bound["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["lastTransitionTime"]) == ("PodScheduled", "True", NOW)


def test_a_condition_that_said_no_says_yes_now() -> None:
    bound = pod()
    bound["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}
    ]
    assign(bound, binding(), None, NOW)
    told = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": NOW}
    assert bound["status"]["conditions"] == [told]


@pytest.mark.parametrize(
    ("found", "meta", "words"),
    [
        (pod(nodeName="n2"), {}, 'pod web is already assigned to node "n2"'),
        (pod(schedulingGates=[{"name": "a"}]), {}, "pod web has non-empty .spec.schedulingGates"),
        (pod(), {"uid": "other"}, "Precondition failed: UID in precondition: other, UID in object meta: u"),
        ({**pod(), "metadata": {"name": "web", "uid": "u", "deletionTimestamp": NOW}}, {}, "pod web is being deleted"),
    ],
)
def test_a_pod_that_cannot_be_bound_is_a_conflict(found: Object, meta: Object, words: str) -> None:
    with pytest.raises(Conflict) as refused:
        assign(found, binding(**meta), None, NOW)
    assert words in refused.value.message
    assert refused.value.message.startswith('Operation cannot be fulfilled on pods/binding "web": ')


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"kind": "Node", "name": ""}, "target.name: Required value"),
        (
            {"kind": "Machine", "name": "m"},
            'target.kind: Unsupported value: "Machine": supported values: "Node", "<empty>"',
        ),
        ({"kind": "Machine"}, '[target.kind: Unsupported value: "Machine"'),
    ],
)
def test_a_target_that_is_no_node_is_refused(target: Object, words: str) -> None:
    with pytest.raises(Unexplained) as refused:
        check({"metadata": {}, "target": target})
    assert refused.value.message.startswith(words)


def test_a_pod_with_a_node_is_nominated_to_none() -> None:
    bound = pod()
    bound["status"]["nominatedNodeName"] = "n2"
    assign(bound, binding(), None, NOW)
    assert "nominatedNodeName" not in bound["status"]
