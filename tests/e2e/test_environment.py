"""What a container is told: variables, command, arguments and where it begins."""

import json
from typing import Any

from tests.e2e.manifests import FOREVER, manifest, shell

INTO_FILE = "printf \"# made before\\nADDRESS='db:5432'  # why\\nTEXT='two\\nlines'\\n\" > /made/a.env"


def field(path: str) -> dict[str, Any]:
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def resource(name: str, divisor: str = "1", container: str = "") -> dict[str, Any]:
    ref = {"resource": name, "divisor": divisor} | ({"containerName": container} if container else {})
    return {"valueFrom": {"resourceFieldRef": ref}}


def key(kind: str, name: str, key: str, **more: Any) -> dict[str, Any]:
    return {"valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **more}}}


def in_file(key: str, **more: Any) -> dict[str, Any]:
    return {"valueFrom": {"fileKeyRef": {"volumeName": "made", "path": "a.env", "key": key, **more}}}


def variables(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **(one if isinstance(one, dict) else {"value": one})} for name, one in given.items()]


def told(printed: str) -> dict[str, str]:
    """What stands in /proc/1/environ: a shell hides names that it cannot use."""
    return dict(each.split("=", 1) for each in printed.split("\0") if "=" in each)


def test_variables_come_from_where_the_manifest_says(pods: Any) -> None:
    pods("create", "configmap", "settings", "--from-literal=color=blue", "--from-literal=my.key-1=odd")
    pods("create", "secret", "generic", "keys", "--from-literal=token=s3cret")
    given = {
        "NAME": field("metadata.name"),
        "SPACE": field("metadata.namespace"),
        "ID": field("metadata.uid"),
        "LABEL": field("metadata.labels['app']"),
        "NOTE": field("metadata.annotations['e/note']"),
        "NODE": field("spec.nodeName"),
        "ACCOUNT": field("spec.serviceAccountName"),
        "HOST": field("status.hostIP"),
        "HOSTS": field("status.hostIPs"),
        "IP": field("status.podIP"),
        "IPS": field("status.podIPs"),
        "CPU": resource("limits.cpu"),
        "CPU_MILLI": resource("limits.cpu", "1m"),
        "MEMORY": resource("requests.memory", "1Mi"),
        "OTHERS": resource("limits.memory", "1Mi", "other"),
        "ALL": resource("limits.memory", "1Mi"),
        "COLOR": key("configMap", "settings", "color"),
        "TOKEN": key("secret", "keys", "token"),
        "ABSENT": key("configMap", "none", "color", optional=True),
        "ABSENT_KEY": key("secret", "keys", "none", optional=True),
        "ADDRESS": in_file("ADDRESS"),
        "TEXT": in_file("TEXT"),
        "ABSENT_LINE": in_file("NONE", optional=True),
        "BOTH": "$(COLOR) $(NAME) $$(COLOR) $(NONE) $(ADDRESS) $(C_color) $(KUBERNETES_SERVICE_PORT)",
    }
    app = shell(
        "cat /proc/1/environ; printf 'HERE=%s\\0ARG=%s\\0' $(pwd) \"$1\"",
        env=variables(given),
        envFrom=[{"prefix": "C_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}],
        args=["sh", "$(COLOR)/$$(COLOR)"],
        workingDir="/var/tmp/made/here",
        resources={"requests": {"memory": "20Mi"}, "limits": {"cpu": "1500m"}},
    )
    other = shell("true", "other", resources={"limits": {"memory": "64Mi"}})
    init = shell(INTO_FILE, "init", volumeMounts=[{"name": "made", "mountPath": "/made"}])
    body = json.loads(
        manifest(
            "told",
            [app, other],
            initContainers=[init],
            volumes=[{"name": "made", "emptyDir": {}}],
            restartPolicy="Never",
        )
    )
    body["metadata"]["annotations"] = {"e/note": 'says "so"'}
    pods.create(json.dumps(body))
    pods.until_status("told", "Completed")
    found, pod = told(pods("logs", "told", "-c", "app").stdout), pods.get("told")
    ip, host, node = pod["status"]["podIP"], pod["status"]["hostIP"], pod["spec"]["nodeName"]
    capacity = json.loads(pods("get", "node", node, "-o", "json").stdout)["status"]["allocatable"]["memory"]
    port = found["KUBERNETES_SERVICE_PORT"]
    assert {name: found.get(name) for name in (*given, "C_color", "C_my.key-1", "token", "HERE", "ARG")} == {
        "NAME": "told",
        "SPACE": pods.namespace,
        "ID": pod["metadata"]["uid"],
        "LABEL": "told",
        "NOTE": 'says "so"',
        "NODE": node,
        "ACCOUNT": "default",
        "HOST": host,
        "HOSTS": host,
        "IP": ip,
        "IPS": ip,
        "CPU": "2",
        "CPU_MILLI": "1500",
        "MEMORY": "20",
        "OTHERS": "64",
        "ALL": str(-(-int(capacity.removesuffix("Ki")) // 1024)),
        "COLOR": "blue",
        "TOKEN": "s3cret",
        "ABSENT": None,
        "ABSENT_KEY": None,
        "ADDRESS": "db:5432",
        "TEXT": "two\nlines",
        "ABSENT_LINE": None,
        "BOTH": f"blue told $(COLOR) $(NONE) db:5432 blue {port}",
        "C_color": "blue",
        "C_my.key-1": "odd",
        "token": "s3cret",
        "HERE": "/var/tmp/made/here",
        "ARG": "blue/$(COLOR)",
    }


def waiting(pods: Any, name: str) -> dict[str, str]:
    """The message of each container that cannot be configured."""
    states = {c["name"]: c["state"].get("waiting", {}) for c in pods.get(name)["status"].get("containerStatuses", ())}
    return {n: w.get("message", "") for n, w in states.items() if w.get("reason") == "CreateContainerConfigError"}


def test_what_is_missing_is_said_and_its_coming_is_heard(pods: Any) -> None:
    pods("create", "configmap", "there", "--from-literal=a=1")
    faults = {
        "map": {"env": variables({"X": key("configMap", "later", "a")})},
        "key": {"env": variables({"X": key("configMap", "there", "b")})},
        "secret": {"envFrom": [{"secretRef": {"name": "hidden"}}]},
        "file": {"env": variables({"X": in_file("A")})},
        "path": {"volumeMounts": [{"name": "made", "mountPath": "/m", "subPathExpr": "$(NONE)"}]},
        "fine": {"envFrom": [{"configMapRef": {"name": "none", "optional": True}}]},
    }
    containers = [shell(FOREVER, name, **fault) for name, fault in faults.items()]
    pods.create(manifest("waits", containers, volumes=[{"name": "made", "emptyDir": {}}]))
    pods.eventually(lambda: len(waiting(pods, "waits")) == 5, 20, lambda: pods.described("waits"))
    assert waiting(pods, "waits") == {
        "map": 'configmap "later" not found',
        "key": f"couldn't find key b in ConfigMap {pods.namespace}/there",
        "secret": 'secret "hidden" not found',
        "file": "couldn't parse env file",
        "path": "missing value for NONE",
    }
    assert ("Failed", 'Error: configmap "later" not found') in pods.events("waits")
    pods("create", "configmap", "later", "--from-literal=a=1")
    pods("create", "secret", "generic", "hidden", "--from-literal=a=1")
    pods("patch", "configmap", "there", "-p", '{"data":{"b":"2"}}')
    pods.eventually(lambda: set(waiting(pods, "waits")) == {"file", "path"}, 9, lambda: pods.described("waits"))


def test_the_api_server_is_told_of_even_where_service_links_are_off(pods: Any) -> None:
    """Services cannot be made yet: what they would add is in tests/unit/kubelet/test_service_variables.py."""
    pods.create(manifest("alone", [shell("cat /proc/1/environ")], restartPolicy="Never", enableServiceLinks=False))
    pods.until_status("alone", "Completed")
    found = told(pods("logs", "alone").stdout)
    host, port = found["KUBERNETES_SERVICE_HOST"], found["KUBERNETES_SERVICE_PORT"]
    assert found["KUBERNETES_PORT"] == f"tcp://{host}:{port}" and found["KUBERNETES_SERVICE_PORT_HTTPS"] == port


def test_a_container_of_kubectl_debug_is_told_the_same(pods: Any) -> None:
    pods.create(manifest("host", [shell(FOREVER)], volumes=[{"name": "v", "emptyDir": {}}]))
    pods("create", "configmap", "settings", "--from-literal=color=blue")
    body = pods.running("host")
    guest = shell(
        'echo "$WHO $color $1 $(pwd)" > /v/told; ' + FOREVER,
        "guest",
        args=["sh", "$(WHO)!"],
        workingDir="/v",
        env=variables({"WHO": field("metadata.name")}),
        envFrom=[{"configMapRef": {"name": "settings"}}],
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
    )
    body["spec"]["ephemeralContainers"] = [guest]
    path = f"/api/v1/namespaces/{pods.namespace}/pods/host/ephemeralcontainers"
    pods("replace", "--raw", path, "-f", "-", input=json.dumps(body))
    pods.eventually(
        lambda: pods.exec("host", "cat", "/v/told", container="guest", check=False).stdout == "host blue host! /v\n",
        20,
        lambda: pods.described("host"),
    )


def test_a_field_of_another_version_is_refused(pods: Any) -> None:
    ref = {"apiVersion": "v2", "fieldPath": "metadata.name"}
    app = shell("true", env=variables({"X": {"valueFrom": {"fieldRef": ref}}}))
    refused = pods("create", "-f", "-", "--dry-run=server", input=manifest("other", [app]), check=False)
    assert "error converting fieldPath: unsupported pod version: v2" in refused.stderr
