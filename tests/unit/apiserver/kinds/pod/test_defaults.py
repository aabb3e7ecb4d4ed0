"""What a pod gets that nobody wrote. Values: golden core-pod-defaults."""

from typing import Any

import pytest

from podling.api.pod_defaults import pull_policy
from podling.api.pod_resources import qos_class


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry.example.com:5000/team/nginx:v1", "IfNotPresent"),
        (f"nginx@sha256:{'0' * 64}", "IfNotPresent"),
        ("Not An Image", "IfNotPresent"),
    ],
)
def test_a_moving_tag_is_always_pulled(image: str, policy: str):
    assert pull_policy(image) == policy


def test_probes_and_ports_are_filled_in(make_pod: Any):
    app = make_pod({"livenessProbe": {"httpGet": {"port": 80}}, "ports": [{"containerPort": 80}]})["spec"][
        "containers"
    ][0]
    assert app["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert app["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


def test_limits_become_requests(make_pod: Any):
    pod = make_pod({"resources": {"limits": {"cpu": "0.5", "memory": "1Gi"}, "requests": {"cpu": "100m"}}})
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "1Gi"}
    assert pod["status"]["qosClass"] == "Burstable"


def test_on_the_hosts_network_ports_are_the_hosts(make_pod: Any):
    pod = make_pod({"ports": [{"containerPort": 9100}]}, hostNetwork=True)
    assert pod["spec"]["containers"][0]["ports"][0]["hostPort"] == 9100


def test_a_volume_without_a_source_is_an_empty_directory(make_pod: Any):
    assert make_pod(volumes=[{"name": "tmp"}])["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {}}]


def test_volumes_get_modes_and_tokens_a_lifetime(make_pod: Any):
    token = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    volumes = make_pod(volumes=[{"name": "s", "secret": {"secretName": "s"}}, {"name": "p", **token}])["spec"][
        "volumes"
    ]
    assert volumes[0]["secret"]["defaultMode"] == 420
    assert volumes[1]["projected"]["sources"] == [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}]


def test_amounts_are_rounded_up_to_thousandths(make_pod: Any):
    pod = make_pod({"resources": {"requests": {"cpu": "0.0005"}}})
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1m"}


def test_a_negative_grace_period_is_one_second(make_pod: Any):
    assert make_pod(terminationGracePeriodSeconds=-5)["spec"]["terminationGracePeriodSeconds"] == 1


def test_a_pods_own_requests_come_from_its_containers(make_pod: Any):
    app = {"resources": {"requests": {"memory": "64Mi"}}}
    pod = make_pod(app, resources={"limits": {"cpu": "2", "memory": "1Gi"}})
    assert pod["spec"]["resources"]["requests"] == {"memory": "64Mi", "cpu": "2"}


def test_a_pod_without_limits_of_its_own_requests_what_it_says(make_pod: Any):
    pod = make_pod({"resources": {"requests": {"memory": "64Mi"}}}, resources={"requests": {"cpu": "1"}})
    assert pod["spec"]["resources"] == {"requests": {"cpu": "1"}}


def test_huge_pages_of_containers_are_those_of_a_pod_with_resources(make_pod: Any):
    app = {"resources": {"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}}
    pod = make_pod(app, resources={"requests": {"cpu": "1"}})
    assert pod["spec"]["resources"] == {
        "limits": {"hugepages-2Mi": "4Mi"},
        "requests": {"cpu": "1", "hugepages-2Mi": "4Mi"},
    }
    assert "resources" not in make_pod(app)["spec"]


def test_overhead_is_rounded_up(make_pod: Any):
    assert make_pod({}, overhead={"cpu": "0.0005"})["spec"]["overhead"] == {"cpu": "1m"}


def test_a_status_sent_along_is_dropped_and_gates_give_a_condition(make_pod: Any):
    pod = make_pod(schedulingGates=[{"name": "hold"}])
    (condition,) = pod["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "SchedulingGated")
    assert pod["status"]["phase"] == "Pending"


def test_match_label_keys_are_written_into_the_selector(make_pod: Any):
    term = {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    constraint = {**term, "labelSelector": {}, "matchLabelKeys": ["rev", "none"]}
    pod = make_pod(topologySpreadConstraints=[constraint])
    assert "matchExpressions" not in pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"limits": {"ephemeral-storage": "1Gi"}}], "BestEffort"),
        ([{"requests": {"memory": "1Mi"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
    ],
)
def test_the_quality_of_service_follows_from_cpu_and_memory(resources: list[dict[str, Any]], quality: str):
    assert qos_class({"containers": [{"resources": each} for each in resources]}) == quality
