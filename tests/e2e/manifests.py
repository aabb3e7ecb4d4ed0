"""Pods that the tests make, as kubectl takes them on its standard input."""

import json
from typing import Any


def pod(name: str, *command: str, image: str = "busybox", **spec: Any) -> str:
    """One container `app`, which ends at once when told to, unless `spec` says otherwise."""
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent"}
    if command:
        container["command"] = list(command)  # type: ignore[assignment]
    return manifest(name, [container], **spec)


def manifest(name: str, containers: list[dict[str, Any]], **spec: Any) -> str:
    metadata = {"name": name, "labels": {"app": name}}
    body = {"containers": containers, "terminationGracePeriodSeconds": 1, **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body})


def shell(script: str, name: str = "app", **more: Any) -> dict[str, Any]:
    """A container that runs a shell script."""
    return {
        "name": name,
        "image": "busybox",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        **more,
    }


FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"
