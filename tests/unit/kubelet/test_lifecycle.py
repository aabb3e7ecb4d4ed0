"""Ends in turns, shortened grace periods, all containers restarted: the kubelet over the node in memory."""

from kubelet.fake import Program
from podling.client.resource import PODS

from .conftest import Node, pod


async def test_sidecars_end_in_their_turn_within_one_grace_period(node: Node) -> None:
    """The app ignores SIGTERM, and takes it all."""
    node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=name != "quick")
    sides = [{"name": name, "restartPolicy": "Always"} for name in ("first", "quick")]
    await node.add(pod(initContainers=sides, terminationGracePeriodSeconds=10))
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    stops = [about for verb, about in node.runtime.calls if verb == "stop_container"]
    assert [each.split("/")[1] for each in stops] == ["10"], "only the app is told at first"
    await node.advance(10)
    stops = [about.split("/")[1] for verb, about in node.runtime.calls if verb == "stop_container"]
    assert stops == ["10", "2", "2"], "a little always stays"
    await node.advance(2)
    assert node.client.find(PODS, "web") is None
    told = [message for reason, message in node.events() if reason == "Killing"]
    assert sorted(told) == [f"Stopping container {name}" for name in ("app", "first", "quick")]


async def test_a_grace_period_that_is_shortened_runs_no_hook_twice(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=True)
    hook = {"preStop": {"exec": {"command": ["bye"]}}}
    await node.add(pod(containers=[{"name": "app", "lifecycle": hook}], terminationGracePeriodSeconds=600))
    await node.client.delete(PODS, "web", "default")
    await node.advance(5)
    await node.client.delete(PODS, "web", "default", grace_seconds=3)
    await node.advance(3)
    assert node.client.find(PODS, "web") is None
    assert node.executor.ran == [("app", "bye")]


async def test_a_rule_restarts_all_containers_from_the_beginning(node: Node) -> None:
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    node.runtime.programs = lambda ref, name, attempt: (
        Program(1) if name == "init" else Program(5, exit_code=42) if (name, attempt) == ("caller", 0) else Program()
    )
    containers = [{"name": "caller", "restartPolicyRules": [rule], "restartPolicy": "Never"}, {"name": "other"}]
    uid = await node.add(pod(containers=containers, initContainers=[{"name": "init"}], restartPolicy="Never"))
    await node.advance(1)
    assert node.runtime.running(uid, "caller") and node.runtime.running(uid, "other")
    await node.advance(5)
    await node.advance(1)
    assert [node.container(name)["restartCount"] for name in ("init", "caller", "other")] == [1, 1, 1]
    assert node.runtime.running(uid, "caller") and node.status()["phase"] == "Running"
    conditions = {each["type"]: each["status"] for each in node.status()["conditions"]}
    assert conditions["AllContainersRestarting"] == "False" and conditions["Initialized"] == "True"
    assert len([verb for verb, _ in node.runtime.calls if verb == "start_sandbox"]) == 1


async def test_a_pod_that_is_over_tells_nothing_of_its_sandbox(node: Node) -> None:
    uid = await node.add(pod(restartPolicy="Never"))
    node.runtime.kill_sandbox(uid)
    node.runtime.exit(str(node.runtime.running(uid, "app").id), 137)  # type: ignore[union-attr]
    await node.settle()
    assert node.status()["phase"] == "Failed" and "SandboxChanged" not in node.reasons()
