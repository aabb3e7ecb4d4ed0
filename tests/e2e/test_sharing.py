"""What the containers of a pod share, and what pods reach of each other."""

from typing import Any

from tests.e2e.manifests import FOREVER, manifest, shell


def test_members_share_localhost_the_ports_the_host_name_and_volumes(pods: Any) -> None:
    volume = [{"name": "shared", "mountPath": "/shared"}]
    serves = "echo hello > /shared/index.html; httpd -f -p 8080 -h /shared"
    members = [
        shell(serves, "server", volumeMounts=volume),
        shell(FOREVER, "client", volumeMounts=volume),
    ]
    pods.create(manifest("pair", members, volumes=[{"name": "shared", "emptyDir": {}}]))
    pods.running("pair")
    answer = ("timeout", "5", "wget", "-qO-", "http://localhost:8080/")
    pods.eventually(lambda: pods.exec("pair", *answer, container="client", check=False).stdout == "hello\n")
    assert pods.exec("pair", "cat", "/shared/index.html", container="client").stdout == "hello\n"
    assert {pods.exec("pair", "hostname", container=each).stdout for each in ("server", "client")} == {"pair\n"}
    taken = pods.exec("pair", "timeout", "2", "httpd", "-f", "-p", "8080", container="client", check=False)
    assert "in use" in taken.stderr
    ipc = {pods.exec("pair", "readlink", "/proc/self/ns/ipc", container=each).stdout for each in ("server", "client")}
    assert len(ipc) == 1


def test_every_pod_reaches_every_pod_and_the_host_reaches_them_all(pods: Any) -> None:
    serves = "hostname > /index.html; httpd -f -p 8080 -h /"
    for name in ("one", "two"):
        pods.create(manifest(name, [shell(serves)]))
    addresses = {name: pods.running(name)["status"]["podIP"] for name in ("one", "two")}
    assert len(set(addresses.values())) == 2
    for here in addresses:
        for there, address in addresses.items():
            fetch = ("timeout", "5", "wget", "-qO-", f"http://{address}:8080/")
            pods.eventually(lambda f=fetch, h=here, t=there: pods.exec(h, *f, check=False).stdout == f"{t}\n")


def test_the_environment_comes_from_where_the_manifest_says(pods: Any) -> None:
    pods("create", "configmap", "settings", "--from-literal=color=blue")
    pods("create", "secret", "generic", "keys", "--from-literal=token=s3cret")
    environment = [
        {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "BOTH", "value": "$(COLOR) $(WHO) $$(COLOR)"},
    ]
    script = 'echo "$COLOR $TOKEN $WHO $BOTH"'
    pods.create(manifest("env", [shell(script, env=environment)], restartPolicy="Never"))
    pods.until_status("env", "Completed")
    assert pods("logs", "env").stdout == "blue s3cret env blue env $(COLOR)\n"


def test_a_missing_config_map_is_said_and_waited_for(pods: Any) -> None:
    environment = [{"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "later", "key": "color"}}}]
    pods.create(manifest("waits", [shell("echo $COLOR", env=environment)], restartPolicy="Never"))
    pods.until_status("waits", "CreateContainerConfigError")
    message = pods.get("waits")["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert message == 'configmap "later" not found'
    pods("create", "configmap", "later", "--from-literal=color=red")
    pods.until_status("waits", "Completed", seconds=60)
    assert pods("logs", "waits").stdout == "red\n"
