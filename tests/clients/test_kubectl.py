"""What kubectl can do without a node, by every kubectl here: 1.37 of PyPI, the one on PATH, Debian's 1.20."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Done, Server
from tests.e2e.test_old_kubectl import old

__all__ = ["old"]

NEW = Path(sys.executable).with_name("kubectl")
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "example.org/app:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {k: "1"}
"""
NEWER = WEB.replace("app:1", "app:2")
ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""

Kubectl = Callable[..., Done]


@pytest.fixture(params=["new", "path", "old"])
def kubectl(request: pytest.FixtureRequest, server: Server, namespace: str) -> Kubectl:
    if request.param == "path" and shutil.which("kubectl") is None:
        pytest.skip("no kubectl on PATH")
    program = {
        "new": lambda: NEW,
        "path": lambda: shutil.which("kubectl"),
        "old": lambda: request.getfixturevalue("old"),
    }
    found = program[request.param]()

    def run(*arguments: str, input: str | None = None, check: bool = True) -> Done:
        return server.run(found, "-n", namespace, *arguments, input=input, check=check)

    return run


def test_manifests_are_compared_applied_and_replaced(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", input=WEB)
    assert kubectl("apply", "-f", "-", input=WEB).stdout == "deployment.apps/web unchanged\nconfigmap/conf unchanged\n"
    different = kubectl("diff", "-f", "-", input=NEWER, check=False)
    assert different.returncode == 1
    assert "-      - image: example.org/app:1\n+      - image: example.org/app:2\n" in different.stdout
    assert kubectl("diff", "-f", "-", input=WEB).stdout == ""
    kubectl("apply", "--server-side", "--field-manager", "one", "--force-conflicts", "-f", "-", input=NEWER)
    refused = kubectl("apply", "--server-side", "--field-manager", "two", "-f", "-", input=WEB, check=False)
    assert 'conflict with "one": .spec.template.spec.containers[name="app"].image' in refused.stderr
    dry = kubectl("create", "configmap", "dry", "--from-literal=a=b", "--dry-run=server", "-o", "name").stdout
    assert dry == "configmap/dry\n"
    assert kubectl("get", "configmap", "dry", "--ignore-not-found").stdout == ""
    assert "replaced" in kubectl("replace", "--force", "-f", "-", input=WEB).stdout
    kubectl("delete", "deployment", "web", "--cascade=orphan")
    assert kubectl("delete", "-f", "-", "--ignore-not-found", input=WEB).stdout.startswith('configmap "conf" deleted')


def test_workloads_are_changed_and_scaled(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", input=WEB)
    kubectl("scale", "deployment/web", "--replicas=3")
    refused = kubectl("scale", "deployment/web", "--replicas=4", "--current-replicas=9", check=False)
    assert "xpected replicas to be 9, was 3" in refused.stderr
    for change in (
        ("set", "image", "deployment/web", "app=example.org/app:3"),
        ("set", "env", "deployment/web", "A=B"),
        ("set", "resources", "deployment/web", "--limits=cpu=200m"),
        ("set", "serviceaccount", "deployment/web", "default"),
        ("rollout", "pause", "deployment/web"),
        ("rollout", "resume", "deployment/web"),
        ("rollout", "restart", "deployment/web"),
        ("autoscale", "deployment", "web", "--max=3"),
    ):
        kubectl(*change)
    spec = json.loads(kubectl("get", "deployment", "web", "-o", "json").stdout)["spec"]
    [container] = spec["template"]["spec"]["containers"]
    assert (spec["replicas"], container["image"]) == (3, "example.org/app:3")
    assert (container["env"], container["resources"]) == ([{"name": "A", "value": "B"}], {"limits": {"cpu": "200m"}})
    assert kubectl("get", "hpa", "web", "-o", "jsonpath={.spec.maxReplicas}").stdout == "3"


def test_labels_annotations_and_patches(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "a", "--from-literal=k=1")
    kubectl("label", "configmap", "--all", "of=all")
    kubectl("annotate", "configmap", "--all", "note=n")
    assert "--overwrite is false" in kubectl("label", "configmap", "a", "of=one", check=False).stderr
    kubectl("label", "configmap", "a", "of=one", "--overwrite")
    kubectl("patch", "configmap", "a", "--type=json", "-p", '[{"op": "add", "path": "/data/more", "value": "2"}]')
    found = json.loads(kubectl("get", "configmap", "-l", "of=one", "-o", "json").stdout)["items"]
    assert [(each["data"], each["metadata"]["annotations"]["note"]) for each in found] == [
        ({"k": "1", "more": "2"}, "n")
    ]


def test_who_may_do_what(kubectl: Kubectl, namespace: str) -> None:
    roles = ROLES.replace("NAMESPACE", namespace)
    assert "reconciled" in kubectl("auth", "reconcile", "-f", "-", input=roles).stdout
    kubectl("create", "rolebinding", "readers", "--role=reader", "--user=alice")
    assert kubectl("auth", "can-i", "get", "pods", "--as=alice").stdout == "yes\n"
    assert kubectl("auth", "can-i", "delete", "pods", "--as=alice", check=False).stdout.startswith("no")
    assert "pods" in kubectl("auth", "can-i", "--list", "--as=alice").stdout


def test_what_is_served(kubectl: Kubectl) -> None:
    assert {"v1", "apps/v1", "rbac.authorization.k8s.io/v1"} <= set(kubectl("api-versions").stdout.split())
    names = kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").stdout.split()
    assert {"pods", "deployments.apps", "roles.rbac.authorization.k8s.io"} <= set(names)
    for name in ("pods", "deployments", "roles", "customresourcedefinitions"):
        assert "FIELDS:" in kubectl("explain", name, "--recursive").stdout
    assert json.loads(kubectl("get", "--raw", "/version").stdout)["major"] == "1"


def test_what_only_a_new_kubectl_asks(server: Server, namespace: str) -> None:
    def kubectl(*arguments: str, input: str | None = None) -> str:
        return server.run(NEW, "-n", namespace, *arguments, input=input).stdout

    kubectl("apply", "-f", "-", input=WEB)
    status = '{"status": {"replicas": 3, "observedGeneration": 1}}'
    kubectl("patch", "deployment", "web", "--subresource=status", "--type=merge", "-p", status)
    assert kubectl("get", "deployment", "web", "--subresource=status", "-o", "jsonpath={.status.replicas}") == "3"
    shown = kubectl("get", "deployment", "web", "--subresource=scale").splitlines()
    assert (shown[0].split(), shown[1].split()[:3]) == (["NAME", "DESIRED", "AVAILABLE", "AGE"], ["web", "1", "3"])
    kubectl("wait", "--for=jsonpath={.data.k}=1", "configmap/conf", "--timeout=60s")
    assert "kubernetes-admin" in kubectl("auth", "whoami")
    assert kubectl("create", "token", "default", "--duration=10m").count(".") == 2
    kubectl("create", "ingress", "way", "--rule=example.org/here=web:80")
    assert kubectl("get", "ingress", "way", "-o", "jsonpath={.spec.rules[0].http.paths[0].path}") == "/here"


def test_old_openapi_tells_everything(kubectl: Kubectl, server: Server) -> Any:
    document = json.loads(kubectl("get", "--raw", "/openapi/v2").stdout)
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale" in document["paths"]
