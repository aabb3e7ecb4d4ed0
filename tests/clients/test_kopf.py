"""A kopf operator lives on our server: its definition, handlers, finalizers, retries, events, timers and daemons."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Server, wait

Object = dict[str, Any]

BIN = Path(sys.executable).parent
OPERATOR = Path(__file__).with_name("operator.py")
SHIPS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ships.example.org"},
    "spec": {
        "group": "example.org",
        "names": {"kind": "Ship", "plural": "ships", "singular": "ship", "shortNames": ["sh"]},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"cargo": {"type": "array", "items": {"type": "string"}}},
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


class Sea:
    """kubectl in the operator's namespace."""

    def __init__(self, server: Server, namespace: str) -> None:
        self.server, self.namespace = server, namespace

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:
        return self.server.run(BIN / "kubectl", "-n", self.namespace, *arguments, input=input, check=check).stdout

    def apply(self, body: Object) -> None:
        self.kubectl("apply", "-f", "-", input=json.dumps(body))

    def get(self, what: str) -> Object:
        found = self.kubectl("get", what, "-o", "json", "--ignore-not-found")
        return json.loads(found) if found else {}


@pytest.fixture
def sea(server: Server, namespace: str, tmp_path: Path) -> Iterator[Sea]:
    """With the operator at work; what it says is shown when it did not come up."""
    sea = Sea(server, namespace)
    sea.apply(SHIPS)
    sea.kubectl("wait", "--for=condition=Established", "crd/ships.example.org", "--timeout=60s")
    log = tmp_path / "operator.log"
    command = [
        BIN / "kopf",
        "run",
        OPERATOR,
        "--namespace",
        namespace,
        "--standalone",
        "--liveness",
        "http://:0/healthz",
    ]
    with log.open("wb") as output:
        operator = subprocess.Popen(command, env=server.environment, stdout=output, stderr=output)
    try:
        wait(lambda: "Initial authentication has finished" in log.read_text(), log)
        yield sea
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        operator.terminate()
        operator.wait(60)
        sea.kubectl("delete", "crd", "ships.example.org", "--wait=false")


def ship(*cargo: str) -> Object:
    meta = {"name": "argo", "labels": {"of": "test"}}
    return {"apiVersion": "example.org/v1", "kind": "Ship", "metadata": meta, "spec": {"cargo": list(cargo)}}


def test_an_operator_at_work(sea: Sea, eventually: Callable[..., Any]) -> None:
    def status(name: str) -> Any:
        return sea.get("ship/argo").get("status", {}).get(name)

    sea.apply(ship("wine"))
    eventually(lambda: status("create") == {"cargo": "argo-cargo"}, "what its creation led to", 30)
    eventually(lambda: status("stubborn") == "at try 1", "a handler that wants to be asked again", 30)
    made = sea.get("configmap/argo-cargo")
    assert made["data"] == {"0": "wine"}
    [owner] = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Ship", "argo", True)
    assert "example.org/operator" in sea.get("ship/argo")["metadata"]["finalizers"]
    eventually(lambda: sea.get("configmap/argo-watch"), "the daemon")
    eventually(lambda: (status("ticks") or 0) >= 2, "the timer")

    sea.apply(ship("wine", "oil"))
    eventually(lambda: status("load/spec.cargo") == {"was": 1, "is": 2}, "what its change led to", 30)
    assert sea.get("configmap/argo-cargo")["data"] == {"0": "wine", "1": "oil"}

    told = json.loads(sea.kubectl("get", "events", "-o", "json"))["items"]
    assert "the cargo is aboard" in {each["message"] for each in told}

    sea.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lamp", "labels": {"lighthouse": "north"}}}
    )
    eventually(lambda: "example.org/lit" in sea.get("configmap/lamp")["metadata"].get("annotations", {}), "the light")

    sea.kubectl("delete", "ship", "argo")
    assert sea.get("ship/argo") == {}
    assert sea.get("configmap/argo-wreck")
    assert sea.get("configmap/argo-watch") == {}, "the daemon was stopped before its ship could go"
    eventually(lambda: not sea.get("configmap/argo-cargo"), "what the ship owned going with it")
