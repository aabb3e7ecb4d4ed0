from typing import Any

import pytest
from lightkube.models import core_v1

from kubelet.cgroups.resources import oom_score_adjust, quality_of, shares
from kubelet.dns import Dns
from kubelet.fields import not_honoured
from kubelet.images.policy import policy_of
from kubelet.memory import Memory
from kubelet.runtime import ImageSeen
from kubelet.wanted import (
    NodeFacts,
    Resolved,
    container_of,
    container_wanted,
    wanted_of,
)
from podling.client.codec import typed

from .build import typed_pod

NODE = NodeFacts("n1", ["192.0.2.1"], Dns(["10.9.9.9"], ["corp"], ["edns0"]), "", "cluster.local", 8 << 30)
IMAGE = ImageSeen("sha256:1", "")


def container(given: dict[str, Any] | None = None, image: ImageSeen = IMAGE, **spec: Any) -> Any:
    pod = typed_pod([{"name": "app", **(given or {})}], **spec)
    return container_wanted(pod, "app", 3, NODE, Resolved([], [], {}, [], image))


def test_resources_become_shares_quota_and_bytes() -> None:
    found = container({"resources": {"requests": {"cpu": "250m"}, "limits": {"cpu": "500m", "memory": "64Mi"}}})
    assert found.limits == (256, 500, 64 << 20)
    assert container().limits.cpu_shares == 2 == shares(0)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}, "Burstable"),
        ({"limits": {"memory": "1Gi"}}, "Burstable"),
    ],
)
def test_quality_of_service(resources: dict[str, Any], expected: str) -> None:
    assert quality_of(typed_pod([{"name": "app", "resources": resources}])) == expected


def oom_score(given: dict[str, Any], name: str = "app", pod_level: dict[str, Any] | None = None, **spec: Any) -> int:
    pod = typed_pod([{"name": "app", "resources": given}], resources=pod_level, **spec)
    return oom_score_adjust(pod, container_of(pod, name), 8 << 30)


def test_oom_scores() -> None:
    both = {"cpu": "1", "memory": "2Gi"}
    assert oom_score({"limits": both, "requests": both}) == -997
    assert oom_score({}) == 1000
    assert oom_score({"requests": {"memory": "2Gi"}}) == 750
    assert oom_score({}, pod_level={"requests": {"memory": "4Gi"}}) == 500, "what the pod asks for itself counts"


def test_a_sidecar_goes_no_sooner_than_the_containers_that_need_it() -> None:
    sidecar = {"name": "log", "restartPolicy": "Always"}
    assert oom_score({"requests": {"memory": "2Gi"}}, "log", initContainers=[sidecar]) == 750


def test_attempts_go_on_where_the_api_stood() -> None:
    pod = typed_pod([{"name": "a"}, {"name": "b"}])
    told = {"image": "i", "imageID": "", "ready": False}
    statuses = [
        {**told, "name": "a", "restartCount": 4, "containerID": "docker://x"},
        {**told, "name": "b", "restartCount": 0},
    ]
    pod.status = typed({"containerStatuses": statuses}, core_v1.PodStatus)
    assert wanted_of(pod, Memory()).next_attempts == [("a", 5)]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("busybox:1.36", "IfNotPresent"),
        ("localhost:5000/a/b:v1", "IfNotPresent"),
        ("busybox@sha256:" + "a" * 64, "IfNotPresent"),
    ],
)
def test_the_default_pull_policy(image: str, expected: str) -> None:
    given = typed_pod([{"name": "app", "image": image}]).spec.containers[0]
    given.imagePullPolicy = None
    assert policy_of(given) == expected


def test_fields_that_are_not_honoured_are_named_in_order() -> None:
    pod = typed_pod(
        [
            {
                "name": "app",
                "volumeDevices": [{"name": "disk", "devicePath": "/dev/disk"}],
                "securityContext": {"seLinuxOptions": {"level": "s0"}},
            }
        ],
        securityContext={"windowsOptions": {"runAsUserName": "x"}},
    )
    named = ["spec.securityContext.windowsOptions", "spec.containers[0].volumeDevices"]
    assert [told.partition(":")[0] for told in not_honoured(pod, {"selinux"})] == named
    without_selinux = [*named, "spec.containers[0].securityContext.seLinuxOptions"]
    assert [told.partition(":")[0] for told in not_honoured(pod)] == without_selinux
    assert not_honoured(typed_pod()) == []


def test_a_container_of_kubectl_debug_has_its_own_security_context() -> None:
    guest = {
        "name": "debug",
        "image": "i",
        "securityContext": {"runAsUser": 7, "capabilities": {"add": ["SYS_PTRACE"]}},
    }
    pod = typed_pod(ephemeralContainers=[guest], securityContext={"runAsUser": 1, "runAsGroup": 2})
    found = container_wanted(pod, "debug", 0, NODE, Resolved([], [], {}, [], IMAGE))
    assert found.security.user == "7:2" and found.security.add_capabilities == ["SYS_PTRACE"]
