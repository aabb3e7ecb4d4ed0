"""Init containers, sidecars and restart rules against real containers, which tell a server of the tests of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.e2e.asking import Pods, container
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.listening import Ear, listening
from tests.e2e.manifests import FOREVER, manifest, shell

HOST = {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
COUNT = "n=$(cat /work/{0} 2>/dev/null || echo 0); n=$((n+1)); echo $n > /work/{0}; "


class Crews(NamedTuple):
    pods: Pods
    ear: Ear


@pytest.fixture(scope="module")
def crews(cluster: Cluster) -> Iterator[Crews]:
    cluster.kubectl("create", "namespace", "test-sidecars")
    pods = Pods(cluster.kubectl, "test-sidecars", eventually)
    try:
        with listening() as ear:
            eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
            pods.create("\n".join(manifests(ear.port)))
            yield Crews(pods, ear)
    finally:
        cluster.kubectl("delete", "namespace", "test-sidecars", "--wait=false", check=False)


def manifests(port: int) -> list[str]:
    def tell(what: str) -> str:
        return f"wget -q -O /dev/null http://$HOST:{port}/{what}"

    def telling(name: str, start: str = "true", **more: Any) -> dict[str, Any]:
        """Tells when it is up and when it is told to end."""
        script = f"{start}; {tell(name + '-up')}; trap '{tell(name + '-down')}; exit 0' TERM; "
        return shell(script + "while :; do sleep 0.2 & wait $!; done", name, env=[HOST], **more)

    def on_exit(code: int, action: str = "Restart") -> list[dict[str, Any]]:
        return [{"action": action, "exitCodes": {"operator": "In", "values": [code]}}]

    slow = telling("slow", "sleep 1; touch /tmp/up", restartPolicy="Always")
    slow["startupProbe"] = {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1, "timeoutSeconds": 10}
    slow["lifecycle"] = {"preStop": {"exec": {"command": ["sh", "-c", tell("slow-hook")]}}}
    anew = {"restartPolicy": "Never", "restartPolicyRules": on_exit(88, "RestartAllContainers")}
    work = [{"name": "work", "mountPath": "/work"}]
    volumes = [{"name": "work", "emptyDir": {}}]
    again = shell(COUNT.format("app") + "[ $n = 3 ] || exit 42; exit 5", volumeMounts=work, restartPolicy="Never")
    once = shell(COUNT.format("init") + "exit $((n == 1 ? 7 : 0))", "once", volumeMounts=work, restartPolicy="Never")
    caller = shell(COUNT.format("calls") + "[ $n = 1 ] && sleep 1 && exit 88; " + FOREVER, "caller", volumeMounts=work)
    return [
        manifest(
            "crew",
            [telling("app")],
            initContainers=[slow, telling("quick", restartPolicy="Always"), shell(tell("done"), "plain", env=[HOST])],
            terminationGracePeriodSeconds=30,
        ),
        manifest("job", [shell("sleep 1")], initContainers=[shell(FOREVER, "side", restartPolicy="Always")],
                 restartPolicy="Never"),
        manifest("crashing", [shell(FOREVER)], initContainers=[
            shell(COUNT.format("s") + "[ $n = 1 ] && sleep 2 && exit 1; " + FOREVER, "side", restartPolicy="Always",
                  volumeMounts=work)], volumes=volumes),
        manifest("ruled", [{**again, "restartPolicyRules": on_exit(42)}],
                 initContainers=[{**once, "restartPolicyRules": on_exit(7)}], restartPolicy="Never", volumes=volumes),
        manifest("mixed", [shell("exit 0", "never", restartPolicy="Never"),
                           shell("sleep 1; exit 0", "always", restartPolicy="Always")], restartPolicy="OnFailure"),
        manifest("anew", [{**caller, **anew},
                          shell(FOREVER, "other")],
                 initContainers=[shell(COUNT.format("inits"), "init", volumeMounts=work)],
                 restartPolicy="Never", volumes=volumes),
    ]  # fmt: skip


def init(pod: dict[str, Any], name: str) -> dict[str, Any]:
    return next((dict(each) for each in pod["status"].get("initContainerStatuses", ()) if each["name"] == name), {})


def test_sidecars_start_in_order_and_end_last_in_reverse(crews: Crews) -> None:
    pods, ear = crews
    found = pods.running("crew", 90)
    assert [each for each in ear.heard if each.endswith("up") or each == "/done"] == [
        "/slow-up", "/quick-up", "/done", "/app-up"
    ]  # fmt: skip
    assert init(found, "slow")["started"] and init(found, "slow")["ready"] and init(found, "plain")["ready"]
    assert pods.shown("crew")[1:3] == ["3/3", "Running"]
    pods("delete", "pod", "crew", "--wait=false")
    pods.gone("crew")
    ends = [each for each in ear.heard if each.endswith("down")]
    assert ends == ["/app-down", "/quick-down", "/slow-down"]
    assert ear.heard.index("/slow-hook") < ear.heard.index("/slow-down")


def test_a_sidecar_does_not_keep_its_pod_from_ending(crews: Crews) -> None:
    pods = crews.pods
    pods.until("job", lambda pod: pod["status"]["phase"] == "Succeeded")
    pods.until("job", lambda pod: "terminated" in init(pod, "side")["state"])
    assert pods.status("job") == "Completed"


def test_a_sidecar_that_ends_comes_again_whatever_the_others_do(crews: Crews) -> None:
    pods = crews.pods
    pods.until("crashing", lambda pod: init(pod, "side").get("restartCount", 0) == 1)
    found = pods.running("crashing")
    assert init(found, "side")["lastState"]["terminated"]["exitCode"] == 1
    assert container(found)["restartCount"] == 0


def test_restart_rules_go_by_exit_codes(crews: Crews) -> None:
    """The init container ends with 7 once, the app with 42 twice; 5 is no reason to come again."""
    pods = crews.pods
    pods.until("ruled", lambda pod: pod["status"]["phase"] == "Failed", 60)
    found = pods.get("ruled")
    assert (init(found, "once")["restartCount"], init(found, "once")["ready"]) == (1, True)
    ended = container(found)
    assert (ended["restartCount"], ended["state"]["terminated"]["exitCode"]) == (2, 5)


def test_a_container_has_a_restart_policy_of_its_own(crews: Crews) -> None:
    pods = crews.pods
    pods.until("mixed", lambda pod: container(pod, "always").get("restartCount", 0) >= 1)
    found = pods.get("mixed")
    assert container(found, "never")["restartCount"] == 0
    assert container(found, "never")["state"]["terminated"]["exitCode"] == 0
    assert found["status"]["phase"] == "Running"


def test_a_rule_restarts_all_containers_in_place(crews: Crews) -> None:
    pods = crews.pods
    pods.until("anew", lambda pod: container(pod, "other").get("restartCount", 0) == 1)
    found = pods.running("anew")
    counts = [container(found, name)["restartCount"] for name in ("caller", "other")] + [
        init(found, "init")["restartCount"]
    ]
    assert counts == [1, 1, 1]
    assert pods.exec("anew", "cat", "/work/inits", container="caller").stdout == "2\n"
    condition = next(each for each in found["status"]["conditions"] if each["type"] == "AllContainersRestarting")
    assert condition["status"] == "False"
