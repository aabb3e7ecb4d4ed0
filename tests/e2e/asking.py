"""What a test asks of a pod, through kubectl."""

import json
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

Done = subprocess.CompletedProcess[str]


class Kubectl(Protocol):
    def __call__(self, *arguments: str, input: str | None = None, check: bool = True, timeout: float = 60) -> Done: ...


class Pods:
    """kubectl in one namespace, and waits for what becomes of its pods."""

    def __init__(self, kubectl: Kubectl, namespace: str, eventually: Callable[..., None]) -> None:
        self._kubectl, self.namespace, self.eventually = kubectl, namespace, eventually

    def __call__(self, *arguments: str, input: str | None = None, check: bool = True, timeout: float = 60) -> Done:
        return self._kubectl("-n", self.namespace, *arguments, input=input, check=check, timeout=timeout)

    def create(self, manifest: str) -> None:
        self("create", "-f", "-", input=manifest)

    def get(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("get", "pod", name, "-o", "json").stdout)
        return found

    def phase(self, name: str) -> str:
        return str(self.get(name)["status"].get("phase"))

    def shown(self, name: str) -> list[str]:
        """The row of `kubectl get pod`: NAME READY STATUS RESTARTS AGE."""
        return self("get", "pod", name, "--no-headers").stdout.split()

    def status(self, name: str) -> str:
        return self.shown(name)[2]

    def running(self, name: str, seconds: float = 60) -> dict[str, Any]:
        self.until(name, ready, seconds)
        return self.get(name)

    def until(self, name: str, condition: Callable[[dict[str, Any]], object], seconds: float = 60) -> None:
        self.eventually(lambda: condition(self.get(name)), seconds, lambda: self.described(name))

    def described(self, name: str) -> str:
        return self("describe", "pod", name, check=False).stdout

    def until_status(self, name: str, *wanted: str, seconds: float = 60) -> None:
        """Until the STATUS column shows one of these."""
        self.eventually(lambda: self.status(name) in wanted, seconds, lambda: self.described(name))

    def gone(self, name: str, seconds: float = 60) -> None:
        self.eventually(lambda: "(NotFound)" in self("get", "pod", name, check=False).stderr, seconds)

    def exec(self, name: str, *command: str, container: str = "app", check: bool = True) -> Done:
        return self("exec", name, "-c", container, "--", *command, check=check)

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of a pod's events."""
        selector = f"involvedObject.name={name}"
        items = json.loads(self("get", "events", "--field-selector", selector, "-o", "json").stdout)["items"]
        return [(item["reason"], item["message"]) for item in items]


def ready(pod: dict[str, Any]) -> bool:
    conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", ())}
    return pod["status"].get("phase") == "Running" and conditions.get("Ready") == "True"


def container(pod: dict[str, Any], name: str = "app") -> dict[str, Any]:
    """A container's status."""
    found = next((c for c in pod["status"].get("containerStatuses", ()) if c["name"] == name), {})
    return dict(found)
