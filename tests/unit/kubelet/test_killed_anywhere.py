"""The kubelet is killed at every await of a pod's life: the result is the same as without.

Each call of the engine and of the API server, and each command of a probe or hook, is a point before and a point after
it took effect. A life is lived once to count them, and then once for each: the kubelet hangs there, is killed, and a
new one goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kubelet.fake import Program
from kubelet.runtime import PodRef
from podling.client.resource import CONFIG_MAPS, PODS

from .conftest import Node, pod


class Points:
    """Counts awaits; hangs at the one of number `kill_at`, as a killed process does."""

    def __init__(self, kill_at: int = 0) -> None:
        self.kill_at, self.names, self.is_reached = kill_at, list[str](), False

    async def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.kill_at:
            self.is_reached = True
            await asyncio.Event().wait()
        await asyncio.sleep(0)


class PointedClient:
    """A client whose every call is a point before and after."""

    def __init__(self, client: Any, point: Callable[[str], Awaitable[None]]) -> None:
        self._client, self._point = client, point

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._client, verb)
        if verb == "watch":
            return call

        async def pointed(of: Any, *arguments: Any, **options: Any) -> Any:
            await self._point(f"before {verb} {of.plural}")
            answer = await call(of, *arguments, **options)
            await self._point(f"after {verb} {of.plural}")
            return answer

        return pointed


class PointedExecutor:
    """Every command succeeds, but `alive` in a first instance once `sick` is set; a point before and after each."""

    def __init__(self, node: Node, point: Callable[[str], Awaitable[None]]) -> None:
        self._node, self._point, self.sick = node, point, False

    async def execute(self, ref: PodRef, container: str, command: list[str]) -> tuple[int, str]:
        await self._point(f"before exec {command[0]}")
        running = self._node.runtime.running(ref.uid, container)
        is_sick = self.sick and command[0] == "alive" and running is not None and running.attempt == 0
        await self._point(f"after exec {command[0]}")
        return int(is_sick), ""


class Life:
    """One pod's life, with a kubelet that may be killed once. What is common to all; the rest differs."""

    def __init__(self, folder: Path, kill_at: int = 0) -> None:
        self.node, self.points, self.is_killed = Node(folder), Points(kill_at), False
        self.node.runtime.point = self.points
        self.node.runtime.programs = self.program
        self.executor = PointedExecutor(self.node, self.points)
        self.node.executor = self.executor  # type: ignore[assignment]
        self.node.client.add(CONFIG_MAPS, {"metadata": {"name": "conf"}, "data": {"a": "1"}})

    def program(self, ref: PodRef, name: str, attempt: int) -> Program:
        return Program(1) if name == "init" else Program()

    def pod(self) -> dict[str, Any]:
        raise AssertionError("each life has a pod")

    async def pass_through(self, uid: str) -> list[dict[str, Any]]:
        """What happens to it while it lives, and what it was like in between."""
        raise AssertionError("each life passes")

    def start(self) -> None:
        self.node.start(PointedClient(self.node.client, self.points))

    async def pass_time(self, seconds: float, steps: int) -> None:
        for _ in range(steps):
            await self.node.advance(seconds)
            if self.points.is_reached and not self.is_killed:
                self.is_killed = True
                await self.node.kill()
                self.start()
                await self.node.settle()

    async def live(self) -> tuple[list[dict[str, Any]], list[str]]:
        """What the pod was like, and what was left in the end."""
        self.start()
        uid = await self.node.add(self.pod())
        found = await self.pass_through(uid)
        await self.node.client.delete(PODS, "web", "default")
        await self.pass_time(4, 2)
        seen, folder = self.node.runtime.seen(uid), self.node.folder / "pods" / uid
        left = [str(seen)] if seen else []
        left += [str(folder)] if folder.exists() else []
        left += ["the object"] if self.node.client.find(PODS, "web") else []
        await self.node.kill()
        await self.node.runtime.close()
        return found, left

    def shown(self) -> dict[str, Any]:
        """What must not depend on where the kubelet was killed."""
        status = self.node.status()
        members = [*status["initContainerStatuses"], *status["containerStatuses"]]
        return {
            "phase": status["phase"],
            "conditions": {each["type"]: each["status"] for each in status["conditions"]},
            "states": {each["name"]: (next(iter(each["state"])), each["ready"]) for each in members},
            "restarts": {each["name"]: each["restartCount"] for each in members},
        }


class Plain(Life):
    """Volumes, an init container, a container that fails, a sandbox that dies."""

    restarts = ({"init": 0, "steady": 0, "flaky": 1}, {"init": 1, "steady": 1, "flaky": 2})

    def program(self, ref: PodRef, name: str, attempt: int) -> Program:
        return Program(15, exit_code=1) if (name, attempt) == ("flaky", 0) else super().program(ref, name, attempt)

    def pod(self) -> dict[str, Any]:
        volumes = [{"name": "conf", "configMap": {"name": "conf"}}, {"name": "work", "emptyDir": {}}]
        mounts = [{"name": each["name"], "mountPath": f"/{each['name']}"} for each in volumes]
        containers = [{"name": "steady", "volumeMounts": mounts}, {"name": "flaky"}]
        return pod(containers=containers, initContainers=[{"name": "init"}], volumes=volumes)

    async def pass_through(self, uid: str) -> list[dict[str, Any]]:
        await self.pass_time(3, 2)
        await self.pass_time(15, 2)
        ran = self.shown()
        self.node.runtime.kill_sandbox(uid)
        await self.pass_time(8, 3)
        return [ran, self.shown()]


class Crew(Life):
    """A sidecar that is probed, hooks before and after, and a liveness probe that gives its container up."""

    restarts = ({"side": 0, "init": 0, "app": 0}, {"side": 0, "init": 0, "app": 1})

    def pod(self) -> dict[str, Any]:
        def runs(command: str, **more: Any) -> dict[str, Any]:
            return {"exec": {"command": [command]}, **more}

        slowly = {"periodSeconds": 20, "failureThreshold": 1}
        side = {"name": "side", "restartPolicy": "Always", "startupProbe": runs("up", **slowly)}
        app = {
            "name": "app",
            "livenessProbe": runs("alive", **slowly),
            "readinessProbe": runs("ready", **slowly),
            "lifecycle": {"postStart": runs("hello"), "preStop": runs("bye")},
        }
        return pod(containers=[app], initContainers=[side, {"name": "init"}])

    async def pass_through(self, uid: str) -> list[dict[str, Any]]:
        await self.pass_time(2, 3)
        ran = self.shown()
        self.executor.sick = True
        await self.pass_time(20, 2)
        return [ran, self.shown()]


class Anew(Life):
    """A container whose end restarts all, as its rule says."""

    restarts = ({"init": 1, "caller": 1, "other": 1},)

    def program(self, ref: PodRef, name: str, attempt: int) -> Program:
        return Program(3, exit_code=42) if (name, attempt) == ("caller", 0) else super().program(ref, name, attempt)

    def pod(self) -> dict[str, Any]:
        rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
        caller = {"name": "caller", "restartPolicy": "Never", "restartPolicyRules": [rule]}
        return pod(containers=[caller, {"name": "other"}], initContainers=[{"name": "init"}], restartPolicy="Never")

    async def pass_through(self, uid: str) -> list[dict[str, Any]]:
        await self.pass_time(3, 4)
        return [self.shown()]


@pytest.mark.parametrize("kind", [Plain, Crew, Anew])
async def test_a_kubelet_killed_at_any_await_brings_its_pod_to_the_same_end(
    kind: type[Plain] | type[Crew] | type[Anew], tmp_path: Path
) -> None:
    whole = kind(tmp_path / "whole")
    expected, left = await whole.live()
    assert not left
    assert {each["phase"] for each in expected} == {"Running"}
    assert tuple(each["restarts"] for each in expected) == kind.restarts
    wrong = []
    for point, name in enumerate(whole.points.names, start=1):
        if kind is not Plain and name.startswith("before"):
            continue  # no other than after what came before it; the plain life walks through these too
        life = kind(tmp_path / str(point), kill_at=point)
        found, left = await life.live()
        where = f"{point} {life.points.names[point - 1]}" if life.points.is_reached else f"{point} (not reached)"
        if found != expected or left:
            wrong.append(f"killed at {where}: {found} left={left}")
    assert not wrong, "\n".join(wrong)
