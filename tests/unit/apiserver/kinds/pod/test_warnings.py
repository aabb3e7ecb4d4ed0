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
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
        'spec.imagePullSecrets[1].name: duplicate name "a"',
        'spec.imagePullSecrets[2].name: invalid empty name ""',
        'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    ]


def test_what_selects_no_pod_and_what_is_written_in_two_ways_is_named(make_pod: Any):
    term, required = {"topologyKey": "zone"}, "requiredDuringSchedulingIgnoredDuringExecution"
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    found = POD.warn(
        make_pod(
            affinity={
                "podAffinity": {required: [term]},
                "podAntiAffinity": {preferred: [{"weight": 1, "podAffinityTerm": term}]},
                "nodeAffinity": {
                    preferred: [
                        {
                            "weight": 1,
                            "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b!"]}]},
                        }
                    ]
                },
            },
            hostAliases=[{"ip": "1.2.3.4"}, {"ip": "1.2.3.4"}],
            dnsConfig={"nameservers": ["2001:DB8::1"]},
        )
    )
    none = "a null labelSelector results in matching no pod"
    assert found[0].startswith(
        f"spec.affinity.nodeAffinity.{preferred}[0].preference.matchExpressions[0].values[0]: b! is invalid, a valid"
    )
    assert found[1:] == [
        'spec.hostAliases[1].ip: duplicate ip "1.2.3.4"',
        f"spec.affinity.podAffinity.{required}[0].labelSelector: {none}",
        f"spec.affinity.podAntiAffinity.{preferred}[0].podAffinityTerm.labelSelector: {none}",
        'spec.dnsConfig.nameservers[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format '
        '("2001:db8::1")',
    ]


def test_files_that_lie_over_each_other_are_named(make_pod: Any):
    items = [{"key": "a", "path": "x"}, {"key": "b", "path": "x/y/"}, {"key": "c", "path": "xy"}]
    sources = [{"configMap": {"name": "c", "items": items[:1]}}, {"serviceAccountToken": {"path": "x/token"}}]
    volumes = [
        {"name": "one", "configMap": {"name": "c", "items": items}},
        {"name": "two", "projected": {"sources": sources}},
    ]
    assert POD.warn(make_pod(volumes=volumes)) == [
        'volume "one" (ConfigMap "c"): overlapping paths: "x/y" with "x"',
        'volume "two" (Projected): overlapping paths: "x/token" (ServiceAccountToken) with "x" (ConfigMap "c")',
    ]


def test_annotations_that_became_fields_are_named(make_pod: Any):
    pod = make_pod()
    pod["metadata"]["annotations"] = dict.fromkeys(
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "seccomp.security.alpha.kubernetes.io/pod",
            "container.seccomp.security.alpha.kubernetes.io/app",
        ),
        "unconfined",
    )
    seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
    assert POD.warn(pod) == [
        "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; "
        'use the "priorityClassName" field instead',
        f"metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: {seccomp}",
        f"metadata.annotations[container.seccomp.security.alpha.kubernetes.io/app]: {seccomp}",
    ]
