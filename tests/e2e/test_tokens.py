"""Pods and the API server: their tokens, and how they reach it."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import kubernetes.client
from kubernetes.config.incluster_config import InClusterConfigLoader

from tests.e2e.manifests import FOREVER, manifest, shell

PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
CURL = "nigelpoulton/k8sbook:1.0"  # has a curl that checks certificates
ASK = (
    f'D={PLACE}; curl -sS -m 10 --cacert $D/ca.crt -H "Authorization: Bearer $(cat $D/token)" '
    "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/$(cat $D/namespace)/pods"
)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def review(pods: Any, token: str, *audiences: str) -> dict[str, Any]:
    """Whether the API server believes a token, and for whom."""
    spec = {"token": token, "audiences": list(audiences)}
    body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec})
    found: dict[str, Any] = json.loads(pods("create", "-f", "-", "-o", "json", input=body).stdout)["status"]
    return found


def names(answer: str) -> set[str]:
    return {item["metadata"]["name"] for item in json.loads(answer).get("items", ())}


def test_a_pods_own_client_talks_to_the_api_server(pods: Any, cluster: Any, tmp_path: Path) -> None:
    pods("create", "serviceaccount", "reader")
    pods("create", "rolebinding", "read", "--clusterrole=view", f"--serviceaccount={pods.namespace}:reader")
    client = shell(FOREVER, image=CURL)
    pods.create(manifest("inside", [client], serviceAccountName="reader"))
    pods.create(manifest("beside", [client], serviceAccountName="reader", hostNetwork=True))
    pods.create(manifest("nobody", [client]))
    for name in ("inside", "beside", "nobody"):
        pods.running(name)
    for name in ("inside", "beside"):
        assert names(pods.exec(name, "sh", "-c", ASK).stdout) == {"inside", "beside", "nobody"}
    refused = json.loads(pods.exec("nobody", "sh", "-c", ASK).stdout)
    who = f"system:serviceaccount:{pods.namespace}:default"
    assert refused["code"] == 403 and f'User "{who}" cannot list resource "pods"' in refused["message"]

    read = {file: pods.exec("inside", "cat", f"{PLACE}/{file}").stdout for file in ("token", "ca.crt", "namespace")}
    for file, text in read.items():
        (tmp_path / file).write_text(text)
    environment = {
        name: pods.exec("inside", "sh", "-c", f"echo ${name}").stdout.strip()
        for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    }
    configuration = kubernetes.client.Configuration()
    loader = InClusterConfigLoader(str(tmp_path / "token"), str(tmp_path / "ca.crt"), environ=environment)
    loader.load_and_set(configuration)
    with kubernetes.client.ApiClient(configuration) as api:
        found = kubernetes.client.CoreV1Api(api).list_namespaced_pod(read["namespace"])
    assert {item.metadata.name for item in found.items} == {"inside", "beside", "nobody"}

    bound = claims(read["token"])["kubernetes.io"]
    assert bound["pod"]["uid"] == pods.get("inside")["metadata"]["uid"]
    assert bound["serviceaccount"]["name"] == "reader"
    assert review(pods, read["token"])["authenticated"]
    pods("delete", "pod", "inside", "--now")
    pods.gone("inside")
    assert not review(pods, read["token"]).get("authenticated"), "a token ends with its pod"


def test_tokens_are_what_the_manifest_asks_for(pods: Any) -> None:
    pods("create", "serviceaccount", "robot")
    token = {"serviceAccountToken": {"path": "deep/vault", "audience": "vault", "expirationSeconds": 900}}
    mount = [{"name": "t", "mountPath": "/t"}]
    asks = shell(f"cat /t/deep/vault; test ! -e {PLACE}", volumeMounts=mount)
    own = {
        "restartPolicy": "Never",
        "serviceAccountName": "robot",
        "automountServiceAccountToken": False,
        "volumes": [{"name": "t", "projected": {"sources": [token]}}],
    }
    old = shell(f"grep -q . {PLACE}/token && stat -c '%a %u' {PLACE}/..data/token")
    context = {"runAsUser": 1000}
    pods.create(manifest("asks", [asks], **own))
    pods.create(manifest("old", [old], serviceAccount="robot", securityContext=context, restartPolicy="Never"))
    pods.until_status("asks", "Completed")
    found = pods("logs", "asks").stdout
    says = claims(found)
    assert says["aud"] == ["vault"] and abs(says["exp"] - time.time() - 900) < 60
    assert says["sub"] == f"system:serviceaccount:{pods.namespace}:robot"
    assert review(pods, found, "vault")["audiences"] == ["vault"]
    assert not review(pods, found).get("authenticated"), "not for the API server"
    pods.until_status("old", "Completed")
    assert pods("logs", "old").stdout == "600 1000\n", "the pod's user's own"
    assert pods.get("old")["spec"]["serviceAccountName"] == "robot"
