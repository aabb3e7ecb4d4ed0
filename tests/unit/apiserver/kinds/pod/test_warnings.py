"""Warnings of what is valid but unwise. Words: golden core-pod-defaults, core-pod-validation."""

from typing import Any

from apiserver.kinds.pod import POD


def test_names_with_dots_surprise_as_hostnames(make_pod: Any):
    pod = make_pod()
    pod["metadata"]["name"] = "a.b"
    assert POD.warn(pod) == [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
        "a DNS label is recommended: [must not contain dots]"
    ]


def test_a_variable_set_twice_hides_the_first(make_pod: Any):
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert POD.warn(make_pod({"env": env})) == [
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'
    ]


def test_ports_that_overlap_are_told_apart_by_how(make_pod: Any):
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"}]
    same = "with spec.containers[0].ports[0]"
    assert POD.warn(make_pod({"ports": ports})) == [
        f"spec.containers[0].ports[1]: dangerously ambiguous port definition {same}"
    ]
    assert POD.warn(make_pod({"ports": [{"containerPort": 80}, {"containerPort": 80}]})) == [
        f"spec.containers[0].ports[1]: duplicate port definition {same}"
    ]
    assert POD.warn(make_pod({"ports": [{"containerPort": 80}, ports[0]]})) == [
        f"spec.containers[0].ports[1]: overlapping port definition {same}"
    ]


def test_old_labels_fractions_and_old_volumes_are_named(make_pod: Any):
    found = POD.warn(
        make_pod(
            {"resources": {"requests": {"memory": "100m"}}},
            nodeSelector={"beta.kubernetes.io/os": "linux"},
            imagePullSecrets=[{"name": "a"}, {"name": "a"}, {}],
            volumes=[{"name": "g", "gitRepo": {"repository": "x"}}],
        )
    )
    assert found == [
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        'spec.imagePullSecrets[1].name: duplicate name "a"',
        'spec.imagePullSecrets[2].name: invalid empty name ""',
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
        'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    ]
