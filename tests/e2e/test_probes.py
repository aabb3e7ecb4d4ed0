"""Probes of every kind against real containers; they are made together, and each test looks at its own."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.listening import Ear, listening, self_signed, serving_health
from tests.e2e.manifests import FOREVER, manifest, shell

QUICK = {"periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 10}  # a busy machine is not to fail them
# Told at once, and then not again within the test: an object has 25 events, and containers that start spend some.
ONCE = {**QUICK, "periodSeconds": 90}
WEB = "mkdir /www; echo hi > /www/index.html; touch /tmp/alive; exec httpd -f -p 8080 -h /www"
LOOPBACK = "127.0.0.1"


class Probed(NamedTuple):
    pods: Pods
    https: Ear


@pytest.fixture(scope="module")
def probed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    cluster.kubectl("create", "namespace", "test-probes")
    pods = Pods(cluster.kubectl, "test-probes", eventually)
    tls = self_signed(tmp_path_factory.mktemp("pki"))
    try:
        with listening(tls) as https, serving_health(well=True, ill=False) as grpc_port:
            eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
            pods.create("\n".join(manifests(https.port, grpc_port)))
            yield Probed(pods, https)
    finally:
        cluster.kubectl("delete", "namespace", "test-probes", "--wait=false", check=False)


def manifests(https: int, grpc: int) -> list[str]:
    headers = [{"name": name, "value": value} for name, value in (("X-A", "1"), ("X-A", "2"), ("Host", "example.com"))]
    remote = {"host": LOOPBACK, "port": https, "scheme": "HTTPS", "path": "/ready", "httpHeaders": headers}
    web = shell(
        WEB,
        "web",
        ports=[{"name": "http", "containerPort": 8080}],
        startupProbe={"httpGet": {"port": "http"}, **QUICK, "failureThreshold": 20},
        readinessProbe={"tcpSocket": {"port": "http"}, **QUICK},
        livenessProbe={"exec": {"command": ["cat", "/tmp/alive"]}, **QUICK, "failureThreshold": 2},
    )
    ready = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, **QUICK}
    dead = {"exec": {"command": ["false"]}, **QUICK, "terminationGracePeriodSeconds": 1}
    return [
        manifest("judged", [web]),
        manifest(
            "elsewhere",
            [
                shell(FOREVER, "https", readinessProbe={"httpGet": remote, **QUICK}),
                shell(FOREVER, "error", readinessProbe={"httpGet": {**remote, "path": "/no"}, **ONCE}),
                shell(FOREVER, "refused", readinessProbe={"httpGet": {"port": 81}, **ONCE}),
                shell(FOREVER, "closed", readinessProbe={"tcpSocket": {"port": 82}, **ONCE}),
                shell(FOREVER, "slow", readinessProbe={"exec": {"command": ["sleep", "9"]}, "periodSeconds": 90}),
                shell(FOREVER, "nameless", readinessProbe={"httpGet": {"port": "nope"}, **ONCE}),
            ],
        ),
        manifest(
            "rpc",
            [
                shell(FOREVER, "well", readinessProbe={"grpc": {"port": grpc, "service": "well"}, **QUICK}),
                shell(FOREVER, "ill", readinessProbe={"grpc": {"port": grpc, "service": "ill"}, **ONCE}),
                shell(FOREVER, "nobody", readinessProbe={"grpc": {"port": 1}, **ONCE}),
            ],
            hostNetwork=True,
        ),
        manifest(
            "stubborn",
            [shell("sleep 1000", livenessProbe=dead)],
            terminationGracePeriodSeconds=600,
        ),
        manifest("gated", [shell(FOREVER)], readinessGates=[{"conditionType": "example.com/gate"}]),
        manifest(
            "patient",
            [
                shell(
                    FOREVER,
                    startupProbe={"exec": {"command": ["true"]}, "periodSeconds": 1, "initialDelaySeconds": 3},
                    readinessProbe={"exec": {"command": ["true"]}, "periodSeconds": 1, "successThreshold": 3},
                )
            ],
        ),
        manifest(
            "leaver",
            [
                shell(
                    "touch /tmp/ready; exec sleep 1000",
                    readinessProbe=ready,
                    livenessProbe={**ready, "initialDelaySeconds": 1},
                    lifecycle={"preStop": {"exec": {"command": ["sh", "-c", "rm /tmp/ready; sleep 600"]}}},
                )
            ],
            terminationGracePeriodSeconds=600,
        ),
    ]  # fmt: skip


def told(probed: Probed, name: str, *expected: str) -> None:
    """Each of these is the message of an Unhealthy event of the pod."""
    pods = probed.pods

    def messages() -> set[str]:
        return {message for reason, message in pods.events(name) if reason == "Unhealthy"}

    pods.eventually(lambda: set(expected) <= messages(), 30, lambda: str(messages()))


def condition(pod: dict[str, Any], name: str) -> dict[str, Any]:
    return next((dict(each) for each in pod["status"].get("conditions", ()) if each["type"] == name), {})


def test_liveness_that_fails_restarts_the_container_and_readiness_follows_it(probed: Probed) -> None:
    pods = probed.pods
    pods.running("judged", 90)
    assert container(pods.get("judged"), "web")["started"]
    pods.exec("judged", "rm", "/tmp/alive", container="web")
    pods.until("judged", lambda pod: container(pod, "web")["restartCount"] == 1)
    pods.running("judged")
    told(probed, "judged", "Liveness probe failed: cat: can't open '/tmp/alive': No such file or directory\n")
    assert ("Killing", "Container web failed liveness probe, will be restarted") in pods.events("judged")


def test_https_is_asked_with_its_headers_and_without_a_look_at_the_certificate(probed: Probed) -> None:
    pods, https = probed
    pods.until("elsewhere", lambda pod: container(pod, "https").get("ready"))
    headers = https.headers["/ready"]
    assert [value for name, value in headers if name == "X-A"] == ["1", "2"]
    assert {"Host": "example.com", "User-Agent": "kube-probe/1.36", "Connection": "close"}.items() <= dict(
        headers
    ).items()


def test_failures_are_told_in_kubernetes_words(probed: Probed) -> None:
    pods = probed.pods
    pods.until("elsewhere", lambda pod: pod["status"].get("podIP"))
    ip = pods.get("elsewhere")["status"]["podIP"]
    told(
        probed,
        "elsewhere",
        "Readiness probe failed: HTTP probe failed with statuscode: 500",
        f'Readiness probe failed: Get "http://{ip}:81/": dial tcp {ip}:81: connect: connection refused',
        f"Readiness probe failed: dial tcp {ip}:82: connect: connection refused",
        'Readiness probe failed: command timed out: "sleep 9" timed out after 1s',
        'Readiness probe errored and resulted in unknown state: strconv.Atoi: parsing "nope": invalid syntax',
    )
    found = pods.get("elsewhere")
    assert condition(found, "Ready")["status"] == condition(found, "ContainersReady")["status"] == "False"
    unready = "containers with unready status: [error refused closed slow nameless]"
    assert condition(found, "Ready")["message"] == unready


def test_grpc_servers_are_asked_for_the_health_of_a_service(probed: Probed) -> None:
    pods = probed.pods
    pods.until("rpc", lambda pod: container(pod, "well").get("ready"))
    ip = pods.get("rpc")["status"]["podIP"]
    refused = f'connection error: desc = "transport: Error while dialing: dial tcp {ip}:1: connect: connection refused"'
    told(
        probed,
        "rpc",
        'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")',
        f'Readiness probe failed: timeout: failed to connect service "{ip}:1" within 10s: {refused}',
    )
    assert not container(pods.get("rpc"), "ill")["ready"]


def test_a_probes_own_grace_period_counts_where_it_ends_the_container(probed: Probed) -> None:
    """The pod's own is ten minutes, and the container ignores SIGTERM."""
    probed.pods.until("stubborn", lambda pod: container(pod).get("restartCount", 0) >= 1)


def test_a_readiness_gate_holds_the_pod_back_until_its_condition_is_true(probed: Probed) -> None:
    pods = probed.pods
    pods.until("gated", lambda pod: condition(pod, "ContainersReady").get("status") == "True")
    held = condition(pods.get("gated"), "Ready")
    words = 'corresponding condition of pod readiness gate "example.com/gate" does not exist.'
    assert (held["status"], held["reason"], held["message"]) == ("False", "ReadinessGatesNotReady", words)
    patch = '{"status":{"conditions":[{"type":"example.com/gate","status":"True"}]}}'
    pods("patch", "pod", "gated", "--subresource=status", "--type=strategic", "-p", patch)
    pods.running("gated")
    assert condition(pods.get("gated"), "example.com/gate")["status"] == "True"


def test_delays_and_thresholds_are_kept(probed: Probed) -> None:
    """3 s to the first question, and then three in a row: 2 s more."""
    found = probed.pods.running("patient")
    started = datetime.fromisoformat(container(found)["state"]["running"]["startedAt"])
    turned = datetime.fromisoformat(condition(found, "Ready")["lastTransitionTime"])
    assert (turned - started).total_seconds() >= 4


def test_only_readiness_is_asked_of_a_pod_that_leaves(probed: Probed) -> None:
    pods = probed.pods
    pods.running("leaver")
    pods("delete", "pod", "leaver", "--wait=false")
    pods.until("leaver", lambda pod: condition(pod, "Ready")["status"] == "False")
    found = pods.get("leaver")
    assert found["metadata"]["deletionTimestamp"] and "running" in container(found)["state"]
    assert "Liveness" not in str(pods.events("leaver"))
    pods("delete", "pod", "leaver", "--grace-period=1", "--wait=false")
    pods.gone("leaver")
