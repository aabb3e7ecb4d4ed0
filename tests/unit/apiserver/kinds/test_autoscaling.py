"""HorizontalPodAutoscalers in both versions. Words: golden groups-scaling, kubernetes/pkg/apis/autoscaling."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.kinds.autoscaling import v1
from apiserver.kinds.autoscaling.horizontal_pod_autoscaler import (
    HORIZONTAL_POD_AUTOSCALER as V2,
)
from apiserver.kinds.autoscaling.horizontal_pod_autoscaler import (
    HORIZONTAL_POD_AUTOSCALER_V1 as V1,
)

Object = dict[str, Any]
WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def autoscaler(**spec: Any) -> Object:
    found = {"metadata": {"name": "h", "namespace": "ns"}, "spec": {"maxReplicas": 5, "scaleTargetRef": WEB, **spec}}
    V2.default(found)
    return found


def told(**spec: Any) -> list[str]:
    return [str(error) for error in V2.validate(autoscaler(**spec))]


def resource(**target: Any) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def test_what_nobody_said_is_filled_in() -> None:
    spec = autoscaler(behavior={"scaleUp": {"selectPolicy": "Min"}})["spec"]
    assert spec["minReplicas"] == 1
    assert spec["metrics"] == [resource(type="Utilization", averageUtilization=80)]
    assert spec["behavior"]["scaleUp"]["selectPolicy"] == "Min"
    assert [each["value"] for each in spec["behavior"]["scaleUp"]["policies"]] == [4, 100]
    assert "stabilizationWindowSeconds" not in spec["behavior"]["scaleDown"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"maxReplicas": -1}, "spec.maxReplicas: Invalid value: -1: must be greater than 0"),
        ({"scaleTargetRef": {"kind": "ReplicationController", "name": "r", "apiVersion": "v1"}}, ""),
        (
            {"scaleTargetRef": {**WEB, "apiVersion": "a/b/c"}},
            'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        ),
        (
            {"metrics": [{"type": "Pods", "object": {}, "pods": {"metric": {"name": "x"}, "target": {}}}]},
            "spec.metrics[0].object: Forbidden: must populate the given metric source only",
        ),
        (
            {"metrics": [{"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value"}}}]},
            "spec.metrics[0].external.target.averageValue: Required value: must set either a target value for metric "
            "or a per-pod target",
        ),
        (
            {"metrics": [{"type": "ContainerResource", "containerResource": {"name": "cpu", "target": {"type": "X"}}}]},
            "spec.metrics[0].containerResource.container: Required value: must specify a container",
        ),
        (
            {"metrics": [resource(type="Value", averageValue="-1")]},
            'spec.metrics[0].resource.target.averageValue: Invalid value: "-1": must be positive',
        ),
        (
            {"behavior": {"scaleDown": {"policies": [], "tolerance": "-5m", "stabilizationWindowSeconds": -1}}},
            "spec.behavior.scaleDown.policies: Required value: must specify at least one Policy",
        ),
    ],
)
def test_what_is_refused(spec: Object, words: str) -> None:
    found = told(**spec)
    assert words in found if words else found == []


def test_scaling_to_zero_needs_a_metric_that_no_pod_is_needed_for() -> None:
    external = {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "1"}}}
    zero = "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero"
    assert any(words.startswith(zero) for words in told(minReplicas=0))
    assert not any(words.startswith(zero) for words in told(minReplicas=0, metrics=[external]))


def _target(*fields: str) -> st.SearchStrategy[Object]:
    made = {"averageUtilization": ("Utilization", 70), "averageValue": ("AverageValue", "30"), "value": ("Value", "5")}
    return st.sampled_from([{"type": made[name][0], name: made[name][1]} for name in fields])


_METRIC = st.sampled_from([{"name": "rps"}, {"name": "rps", "selector": {"matchLabels": {"a": "b"}}}])
_SOURCES: dict[str, Any] = {
    "resource": st.fixed_dictionaries(
        {"name": st.just("memory"), "target": _target("averageUtilization", "averageValue")}
    ),
    "containerResource": st.fixed_dictionaries(
        {"name": st.just("cpu"), "container": st.just("c"), "target": _target("averageUtilization", "averageValue")}
    ),
    "pods": st.fixed_dictionaries({"metric": _METRIC, "target": _target("averageValue")}),
    "external": st.fixed_dictionaries({"metric": _METRIC, "target": _target("value", "averageValue")}),
    "object": st.fixed_dictionaries({"metric": _METRIC, "target": _target("value"), "describedObject": st.just(WEB)}),
}
_METRICS = st.lists(
    st.one_of(
        *(source.map(lambda each, name=name: {"type": name[0].upper() + name[1:], name: each})
          for name, source in _SOURCES.items())
    ),
    min_size=1, max_size=4,
)  # fmt: skip
_BEHAVIORS = st.sampled_from([None, {}, {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 9}]}},
                              {"scaleDown": {"tolerance": "50m", "selectPolicy": "Disabled"}}])  # fmt: skip


@given(_METRICS, st.booleans(), _BEHAVIORS)
def test_v1_carries_everything_there_and_back(metrics: list[Object], of_cpu: bool, behavior: Object | None) -> None:
    """The one metric that it knows comes last."""
    metrics = [*metrics, v1.cpu_metric(60)] if of_cpu else metrics
    found = autoscaler(metrics=metrics, **({} if behavior is None else {"behavior": behavior}))
    found["status"] = {"desiredReplicas": 1, "currentMetrics": None}
    before = deepcopy(found)
    assert v1.to_hub(v1.from_hub(found)) == found == before


def test_what_was_measured_and_the_conditions_are_annotations_of_v1() -> None:
    found = autoscaler()
    current = {"averageUtilization": 40, "averageValue": "80m"}
    condition = {"type": "AbleToScale", "status": "True", "lastTransitionTime": None, "reason": "Ready"}
    found["status"] = {
        "currentReplicas": 2,
        "desiredReplicas": 3,
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": current}}],
        "conditions": [condition],
    }
    made = v1.from_hub(found)
    assert made["status"] == {"currentReplicas": 2, "desiredReplicas": 3, "currentCPUUtilizationPercentage": 40}
    notes = made["metadata"]["annotations"]
    assert notes["autoscaling.alpha.kubernetes.io/current-metrics"] == (
        '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":40,"currentAverageValue":"80m"}}]'
    )
    assert json.loads(notes["autoscaling.alpha.kubernetes.io/conditions"]) == [condition]
    assert v1.to_hub(made)["status"] == found["status"]


@pytest.mark.parametrize("text", ["", "nonsense", "{}", '"x"', "[1]", "null"])
def test_annotations_that_are_no_metrics_count_for_nothing(text: str) -> None:
    notes = dict.fromkeys(v1.OURS, text)
    found = {"metadata": {"name": "h", "annotations": notes}, "spec": {"maxReplicas": 3, "scaleTargetRef": WEB}}
    made = v1.to_hub(found)
    assert made["spec"]["metrics"] == [v1.cpu_metric(80)]
    assert "annotations" not in made["metadata"]


def test_v1_has_the_rules_and_the_columns_of_v2() -> None:
    found = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 0, "scaleTargetRef": WEB},
    }
    V1.default(found)
    assert found["spec"]["targetCPUUtilizationPercentage"] == 80
    assert [str(error) for error in V1.validate(found)] == [
        "spec.maxReplicas: Required value: must be set and greater than 0",
        "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
    ]
    cells = {column.name: column.cell(found) for column in V1.columns}
    assert (cells["Targets"], cells["MinPods"]) == ("cpu: <unknown>/80%", "1")
