"""The kubelet is killed at every await of a pod's life: the result is the same as without.

Each call of the engine and of the API server is a point before and a point after it took effect. The life is lived once
to count them, and then once for each: the kubelet hangs there, is killed, and a new one goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from kubelet.fake import Program
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


class Life:
    """One pod's life, with a kubelet that may be killed once."""

    def __init__(self, folder: Path, kill_at: int = 0) -> None:
        self.node, self.points, self.is_killed = Node(folder), Points(kill_at), False
        self.node.runtime.point = self.points
        self.node.runtime.programs = self.program
        self.node.client.add(CONFIG_MAPS, {"metadata": {"name": "conf"}, "data": {"a": "1"}})

    def program(self, ref: object, name: str, attempt: int) -> Program:
        if name == "init":
            return Program(1)
        return Program(15, exit_code=1) if name == "flaky" and attempt == 0 else Program()

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

    async def live(self) -> tuple[dict[str, Any], list[str]]:
        """What the pod was like when it ran, and what was left in the end."""
        self.start()
        volumes = [{"name": "conf", "configMap": {"name": "conf"}}, {"name": "work", "emptyDir": {}}]
        mounts = [{"name": each["name"], "mountPath": f"/{each['name']}"} for each in volumes]
        containers = [{"name": "steady", "volumeMounts": mounts}, {"name": "flaky"}]
        uid = await self.node.add(pod(containers=containers, initContainers=[{"name": "init"}], volumes=volumes))
        await self.pass_time(3, 2)
        await self.pass_time(15, 2)
        ran = self.shown(self.node.status())
        self.node.runtime.kill_sandbox(uid)
        await self.pass_time(8, 3)
        again = self.shown(self.node.status())
        await self.node.client.delete(PODS, "web", "default")
        await self.pass_time(4, 2)
        seen, folder = self.node.runtime.seen(uid), self.node.folder / "pods" / uid
        left = [str(seen)] if seen else []
        left += [str(folder)] if folder.exists() else []
        left += ["the object"] if self.node.client.find(PODS, "web") else []
        await self.node.kill()
        await self.node.runtime.close()
        return {"first": ran, "again": again}, left

    def shown(self, status: dict[str, Any]) -> dict[str, Any]:
        """What must not depend on where the kubelet was killed. Restart counts may: never fewer than there were."""
        members = [*status["initContainerStatuses"], *status["containerStatuses"]]
        return {
            "phase": status["phase"],
            "conditions": {each["type"]: each["status"] for each in status["conditions"]},
            "states": {each["name"]: (next(iter(each["state"])), each["ready"]) for each in members},
            "restarts": {each["name"]: each["restartCount"] for each in members},
        }


async def test_a_kubelet_killed_at_any_await_brings_its_pod_to_the_same_end(tmp_path: Path) -> None:
    whole = Life(tmp_path / "whole")
    expected, left = await whole.live()
    assert not left
    assert expected["first"]["phase"] == expected["again"]["phase"] == "Running"
    assert expected["first"]["restarts"] == {"init": 0, "steady": 0, "flaky": 1}
    assert expected["again"]["restarts"] == {"init": 1, "steady": 1, "flaky": 2}
    wrong = []
    for point in range(1, len(whole.points.names) + 1):
        life = Life(tmp_path / str(point), kill_at=point)
        found, left = await life.live()
        where = f"{point} {life.points.names[point - 1]}" if life.points.is_reached else f"{point} (not reached)"
        if found != expected or left:
            wrong.append(f"killed at {where}: {found} left={left}")
    assert not wrong, "\n".join(wrong)
