"""A KubeletConfiguration, and what pods may use of a node for it."""

import pytest

from kubelet.configuration import DEFAULTS, ConfigurationError, configuration, seconds
from kubelet.node.allocatable import allocatable, capacity
from kubelet.runtime import Engine

ENGINE = Engine("20", "6", "os", "amd64", 4, 8 << 30, 100 << 30, "id")


def test_what_is_not_said_has_kubernetes_values() -> None:
    assert configuration({}) == configuration(None) == DEFAULTS
    assert DEFAULTS.max_pods == 110 and seconds(DEFAULTS.eviction_pressure_transition_period) == 300


def test_the_names_are_kubernetes_names() -> None:
    found = configuration(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "staticPodPath": "/etc/manifests",
            "staticPodURL": "http://here/pods",
            "staticPodURLHeader": {"Authorization": ["Bearer x"]},
            "evictionHard": {"memory.available": "200Mi"},
            "evictionSoft": {"memory.available": "5%"},
            "evictionSoftGracePeriod": {"memory.available": "1m30s"},
            "shutdownGracePeriodByPodPriority": [{"priority": 5, "shutdownGracePeriodSeconds": 7}],
        }
    )
    assert (found.static_pod_path, found.static_pod_url) == ("/etc/manifests", "http://here/pods")
    assert [(each.signal, each.grace_seconds) for each in found.thresholds] == [
        ("memory.available", None),
        ("memory.available", 90.0),
    ]
    assert found.shutdown_grace_period_by_pod_priority[0].shutdown_grace_period_seconds == 7


def test_images_and_logs_have_their_bounds() -> None:
    assert DEFAULTS.image_policy == (85, 80, 120.0, 0.0) and DEFAULTS.image_pulls == 5
    assert DEFAULTS.log_rotation == (10 << 20, 5)
    given = {"serializeImagePulls": True, "containerLogMaxSize": "1Mi", "containerLogMaxFiles": 2}
    found = configuration(given | {"imageMinimumGCAge": "1s", "imageMaximumGCAge": "1h"})
    assert found.image_pulls == 1 and found.log_rotation == (1 << 20, 2)
    assert found.image_policy == (85, 80, 1.0, 3600.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cpuManagerPolicy": "static"}, 'podling does not honour the field "cpuManagerPolicy"'),
        ({"maxPods": "many"}, "Expected `int`"),
        ({"maxPods": -1}, "must not be negative"),
        ({"kind": "Pod"}, "Invalid enum value"),
        ({"evictionHard": {"memory.free": "1"}}, "unsupported eviction signal memory.free"),
        ({"evictionHard": {"memory.available": "-1"}}, "must be positive"),
        ({"evictionHard": {"memory.available": "a%"}}, "is no percentage"),
        ({"evictionHard": {"memory.available": "110%"}}, "between 0 and 100"),
        ({"evictionHard": {"memory.available": "1Qi"}}, "memory.available: 1Qi"),
        ({"evictionSoft": {"memory.available": "1Gi"}}, "grace period must be specified for the soft eviction"),
        ({"evictionPressureTransitionPeriod": "5"}, 'invalid duration "5"'),
        ({"systemReserved": {"gpu": "1"}}, 'cannot reserve "gpu" resource'),
        ({"kubeReserved": {"cpu": "-1"}}, "cannot be negative"),
        ({"shutdownGracePeriod": "5s", "shutdownGracePeriodCriticalPods": "6s"}, "must be at least"),
        ({"imageGCHighThresholdPercent": 101}, "must be between 0 and 100"),
        ({"imageGCLowThresholdPercent": 85}, "must be less than imageGCHighThresholdPercent"),
        ({"imageMaximumGCAge": "1m"}, "must be greater than imageMinimumGCAge"),
        ({"maxParallelImagePulls": 0}, "must be a positive number"),
        ({"containerLogMaxFiles": 1}, "must be greater than 1"),
        ({"containerLogMaxSize": "x"}, "x"),
        (["a"], "Expected `object`"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(given: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        configuration(given)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("0s", 0), ("300ms", 0.3), ("1m30s", 90), ("1.5h", 5400), ("1h0m1s", 3601)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "5", "s", "1m 30s", "-5s", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigurationError):
        seconds(text)


def test_hard_eviction_keeps_the_last_of_memory_and_disk_from_pods() -> None:
    kubernetes = configuration({"evictionHard": {"memory.available": "100Mi", "nodefs.available": "10%"}})
    assert capacity(ENGINE, DEFAULTS) == {
        "cpu": "4",
        "ephemeral-storage": "104857600Ki",
        "memory": "8388608Ki",
        "pods": "110",
    }
    assert allocatable(ENGINE, kubernetes) == {
        "cpu": "4",
        "ephemeral-storage": str(90 << 30),
        "memory": "8286208Ki",
        "pods": "110",
    }


def test_what_is_reserved_is_not_for_pods() -> None:
    found = configuration(
        {
            "systemReserved": {"cpu": "500m", "memory": "1Gi", "pid": "100"},
            "kubeReserved": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "10Gi"},
            "evictionHard": {},
            "maxPods": 3,
        }
    )
    assert allocatable(ENGINE, found) == {
        "cpu": "2500m",
        "ephemeral-storage": str(90 << 30),
        "memory": f"{(6 << 20) + (512 << 10)}Ki",
        "pods": "3",
    }


def test_more_reserved_than_there_is_leaves_nothing() -> None:
    assert allocatable(ENGINE, configuration({"systemReserved": {"cpu": "5", "memory": "1Ti"}}))["memory"] == "0Ki"
