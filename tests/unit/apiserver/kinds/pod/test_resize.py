"""What may be resized, and the words for what may not. The recorded conversation: core-pod-subresources.yaml."""

from copy import deepcopy
from typing import Any

import pytest

from apiserver.kinds.pod.resize import prepare_resize, validate_resize
from podling.api.pod_defaults import default_pod

Object = dict[str, Any]


def sized(cpu: str, memory: str) -> Object:
    return {side: {"cpu": cpu, "memory": memory} for side in ("limits", "requests")}


def pod(**spec: Any) -> Object:
    made = {
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "app", "image": "nginx", "resources": sized("1", "1Gi")}], **spec},
    }
    default_pod(made)
    return made


def refused(new: Object, old: Object) -> list[str]:
    wanted = deepcopy(new)
    prepare_resize(wanted, old)
    return [str(error) for error in validate_resize(wanted, old)]


def changed(old: Object, resources: Object, **container: Any) -> Object:
    new = deepcopy(old)
    new["spec"]["containers"][0] |= {"resources": resources, **container}
    return new


def test_cpu_and_memory_may_change_and_nothing_else_does() -> None:
    old = pod()
    new = changed(old, sized("2", "2Gi"), image="other")
    new["metadata"]["labels"] = {"a": "b"}
    prepare_resize(new, old)
    assert not validate_resize(new, old)
    assert new["spec"]["containers"][0]["image"] == "nginx" and "labels" not in new["metadata"]
    assert new["spec"]["containers"][0]["resources"] == sized("2", "2Gi")


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"requests": {"cpu": "1", "memory": "1Gi"}}, "resource limits cannot be removed"),
        ({**sized("1", "1Gi"), "claims": [{"name": "gpu"}]}, "only cpu and memory resources are mutable"),
        (
            {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
            "Pod QOS Class may not change as a result of resizing",
        ),
    ],
)
def test_what_a_container_may_not(resources: Object, words: str) -> None:
    old = pod(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}])
    assert any(words in each for each in refused(changed(old, resources), old))


def test_the_policy_of_a_resize_stays() -> None:
    old = pod()
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    assert any(
        "only cpu and memory" in each for each in refused(changed(old, sized("1", "1Gi"), resizePolicy=policy), old)
    )


def test_containers_stay_who_and_where_they_are() -> None:
    old = pod()
    more = deepcopy(old)
    more["spec"]["containers"].append({**more["spec"]["containers"][0], "name": "more"})
    assert any("containers may not be added or removed on resize" in each for each in refused(more, old))
    named = deepcopy(old)
    named["spec"]["containers"][0]["name"] = "other"
    assert any("containers may not be renamed or reordered on resize" in each for each in refused(named, old))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"annotations": {"kubernetes.io/config.mirror": "x"}}, "static pods cannot be resized"),
        ({"os": {"name": "windows"}}, "windows pods cannot be resized"),
    ],
)
def test_pods_that_cannot_be_resized(changes: Object, words: str) -> None:
    old = pod(**({"os": changes["os"]} if "os" in changes else {}))
    old["metadata"] |= {key: value for key, value in changes.items() if key == "annotations"}
    assert any(words in each for each in refused(changed(old, sized("2", "1Gi")), old))


def test_a_kubelet_that_tells_no_resources_cannot_resize() -> None:
    old = pod()
    old["status"] = {"containerStatuses": [{"name": "app", "state": {"running": {}}}], "qosClass": "Guaranteed"}
    words = "Pod running on node without support for resize"
    assert any(words in each for each in refused(changed(old, sized("2", "1Gi")), old))
    old["status"]["containerStatuses"][0]["resources"] = {}
    assert not refused(changed(old, sized("2", "1Gi")), old)


def test_the_pods_own_resources_may_change_and_not_go() -> None:
    old = pod(resources=sized("2", "2Gi"))
    new = deepcopy(old)
    new["spec"]["resources"] = sized("3", "3Gi")
    assert not refused(new, old)
    del new["spec"]["resources"]["limits"]["cpu"]
    assert any("pod-level resource limits cannot be removed" in each for each in refused(new, old))
    del new["spec"]["resources"]
    assert any("pod-level resources cannot be removed" in each for each in refused(new, old))


def test_a_plain_init_container_cannot_be_restarted_to_be_resized() -> None:
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    init = {"name": "init", "image": "nginx", "resources": sized("1", "1Gi"), "resizePolicy": policy}
    old = pod(initContainers=[init])
    new = deepcopy(old)
    new["spec"]["initContainers"][0]["resources"] = sized("500m", "1Gi")
    words = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
    assert any(words in each for each in refused(new, old))
