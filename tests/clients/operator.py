"""A kopf operator as its users write them, run by `kopf run`: a Ship is given a ConfigMap that lists its cargo.

Its conclusions stand in the ship's status, so that a test sees what ran.
"""

from typing import Any

import kopf
import kubernetes


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.persistence.finalizer = "example.org/operator"
    settings.posting.level = 20
    settings.watching.server_timeout = 60


@kopf.on.create("example.org", "v1", "ships")
def create(body: kopf.Body, spec: kopf.Spec, name: str, namespace: str, **_: Any) -> dict[str, Any]:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-cargo"}, "data": cargo(spec)}
    kopf.adopt(manifest)
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, manifest)
    kopf.info(body, reason="Loaded", message="the cargo is aboard")
    return {"cargo": manifest["metadata"]["name"]}


@kopf.on.update("example.org", "v1", "ships", field="spec.cargo")
def load(old: Any, new: Any, spec: kopf.Spec, name: str, namespace: str, **_: Any) -> dict[str, Any]:
    patch = {"data": cargo(spec)}
    kubernetes.client.CoreV1Api().patch_namespaced_config_map(f"{name}-cargo", namespace, patch)
    return {"was": len(old or ()), "is": len(new or ())}


@kopf.on.delete("example.org", "v1", "ships")
def sink(name: str, namespace: str, **_: Any) -> None:
    body = {"metadata": {"name": f"{name}-wreck"}}
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, body)


@kopf.on.create("example.org", "v1", "ships", retries=3, id="stubborn")
def stubborn(retry: int, **_: Any) -> str:
    if retry < 1:
        raise kopf.TemporaryError("not yet", delay=0.1)
    return f"at try {retry}"


@kopf.timer("example.org", "v1", "ships", interval=0.2)
def tick(patch: kopf.Patch, status: kopf.Status, **_: Any) -> None:
    patch.status["ticks"] = status.get("ticks", 0) + 1


@kopf.daemon("example.org", "v1", "ships")
async def watchman(stopped: kopf.DaemonStopped, name: str, namespace: str, **_: Any) -> None:
    body = {"metadata": {"name": f"{name}-watch"}}
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, body)
    await stopped.wait()
    kubernetes.client.CoreV1Api().delete_namespaced_config_map(f"{name}-watch", namespace)


@kopf.on.event("", "v1", "configmaps", labels={"lighthouse": kopf.PRESENT})
def light(event: kopf.RawEvent, name: str, namespace: str, **_: Any) -> None:
    if event["type"] == "ADDED":
        annotations = {"metadata": {"annotations": {"example.org/lit": "yes"}}}
        kubernetes.client.CoreV1Api().patch_namespaced_config_map(name, namespace, annotations)


def cargo(spec: kopf.Spec) -> dict[str, str]:
    return {str(at): str(each) for at, each in enumerate(spec.get("cargo", ()))}
