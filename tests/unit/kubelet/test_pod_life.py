"""Pods start, restart and end: the kubelet over an engine and a cluster in memory."""

from kubelet.fake import Program
from kubelet.runtime import ImageSeen, PodRef
from podling.client.resource import PODS

from .conftest import Node, pod


def verbs(node: Node) -> list[str]:
    return [verb for verb, _ in node.runtime.calls if verb.startswith(("start", "stop", "remove"))]


async def test_a_pod_runs_and_says_so(node: Node) -> None:
    uid = await node.add(pod())
    assert node.runtime.running(uid, "app")
    status = node.status()
    assert status["phase"] == "Running"
    assert status["podIP"] == "10.244.0.1"
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert node.reasons() == ["Pulled", "Created", "Started"]


async def test_a_settled_pod_is_left_alone(node: Node) -> None:
    await node.add(pod())
    before = len(verbs(node))
    await node.advance(600)
    assert len(verbs(node)) == before


async def test_init_containers_run_one_by_one_before_the_others(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(5) if name.startswith("init") else Program()
    uid = await node.add(pod(initContainers=[{"name": "init-1"}, {"name": "init-2"}]))
    assert node.runtime.running(uid, "init-1") and not node.runtime.running(uid, "init-2")
    status = node.status()
    assert status["phase"] == "Pending"
    assert node.container("app")["state"] == {"waiting": {"reason": "PodInitializing"}}
    await node.advance(5)
    assert node.runtime.running(uid, "init-2") and not node.runtime.running(uid, "app")
    await node.advance(5)
    assert node.runtime.running(uid, "app")
    assert node.status()["phase"] == "Running"
    assert node.container("init-1")["state"]["terminated"]["reason"] == "Completed"


async def test_an_init_container_that_fails_under_never_fails_the_pod(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(1, exit_code=3)
    uid = await node.add(pod(restartPolicy="Never", initContainers=[{"name": "init"}]))
    await node.advance(1)
    assert node.status()["phase"] == "Failed"
    seen = node.runtime.seen(uid)
    assert seen and not seen.sandboxes and [each.name for each in seen.containers] == ["init"]


async def test_a_sidecar_starts_before_the_app_and_ends_after_it(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(10) if name == "app" else Program()
    uid = await node.add(pod(restartPolicy="Never", initContainers=[{"name": "side", "restartPolicy": "Always"}]))
    assert node.runtime.running(uid, "side") and node.runtime.running(uid, "app")
    await node.advance(10)
    assert not node.runtime.running(uid, "side")
    assert node.status()["phase"] == "Succeeded"


async def test_crash_loop_waits_ten_seconds_then_twenty_and_forgets_after_ten_minutes(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(1, exit_code=1) if attempt < 3 else Program()
    uid = await node.add(pod())
    await node.advance(1)  # the first restart is at once
    assert node.container()["restartCount"] == 1
    await node.advance(1)
    assert node.container()["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    message = f"back-off 10s restarting failed container=app pod=web_default({uid})"
    assert node.container()["state"]["waiting"]["message"] == message
    assert node.container()["lastState"]["terminated"]["exitCode"] == 1
    assert node.status()["phase"] == "Running"
    await node.advance(9.5)
    assert node.container()["restartCount"] == 1
    await node.advance(0.5)
    assert node.container()["restartCount"] == 2
    await node.advance(1 + 19.5)
    assert node.container()["restartCount"] == 2
    await node.advance(0.5)
    assert node.container()["restartCount"] == 3 and node.runtime.running(uid, "app")
    await node.advance(1300)
    node.runtime.programs = lambda ref, name, attempt: Program()
    node.runtime.exit(node.runtime.running(uid, "app").id, 1)  # type: ignore[union-attr]
    await node.settle()
    assert node.runtime.running(uid, "app"), "after ten quiet minutes it starts at once again"


async def test_the_last_dead_instance_is_kept_and_older_ones_go(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(700, exit_code=1)
    uid = await node.add(pod())
    for _ in range(4):
        await node.advance(700)
    seen = node.runtime.seen(uid)
    assert seen
    assert [each.attempt for each in seen.containers] == [4, 3]


async def test_on_failure_restarts_what_failed_and_succeeds_when_all_did(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(1, exit_code=0 if attempt else 1)
    await node.add(pod(restartPolicy="OnFailure"))
    await node.advance(1)
    assert node.status()["phase"] == "Running"
    await node.advance(1)
    assert node.status()["phase"] == "Succeeded"
    assert node.container()["state"]["terminated"]["reason"] == "Completed"
    ready = next(each for each in node.status()["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "PodCompleted")


async def test_never_ends_failed_when_one_of_two_failed(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(1, exit_code=0 if name == "a" else 7)
    uid = await node.add(pod(containers=[{"name": "a"}, {"name": "b"}], restartPolicy="Never"))
    await node.advance(1)
    assert node.status()["phase"] == "Failed"
    seen = node.runtime.seen(uid)
    assert seen and not seen.sandboxes and len(seen.containers) == 2, "kept for kubectl logs"


async def test_a_dead_sandbox_takes_its_members_with_it_and_the_pod_comes_back_whole(node: Node) -> None:
    uid = await node.add(pod(containers=[{"name": "a"}, {"name": "b"}], initContainers=[{"name": "init"}]))
    node.runtime.exit(node.runtime.running(uid, "init").id)  # type: ignore[union-attr]
    await node.settle()
    old = {name: node.runtime.running(uid, name) for name in ("a", "b")}
    first_ip = node.status()["podIP"]
    node.runtime.calls.clear()
    node.runtime.kill_sandbox(uid)
    await node.settle()
    assert verbs(node)[:2] == ["stop_container", "stop_container"]
    assert node.runtime.running(uid, "init") and not node.runtime.running(uid, "a")
    node.runtime.exit(node.runtime.running(uid, "init").id)  # type: ignore[union-attr]
    await node.settle()
    assert node.status()["podIP"] != first_ip
    for name in ("a", "b"):
        new = node.runtime.running(uid, name)
        assert new and old[name] and new.id != old[name].id and new.attempt == 1
    assert node.container("a")["restartCount"] == 1
    assert "SandboxChanged" in node.reasons()


async def test_deletion_terminates_removes_and_lets_the_object_go(node: Node) -> None:
    uid = await node.add(pod(containers=[{"name": "a"}, {"name": "b"}]))
    node.runtime.calls.clear()
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.client.find(PODS, "web") is None
    assert node.runtime.seen(uid) is None
    assert verbs(node) == ["stop_container"] * 2 + ["remove_container"] * 2 + ["remove_sandbox"]
    assert node.reasons().count("Killing") == 2


async def test_deletion_writes_how_the_containers_ended_before_the_object_goes(node: Node) -> None:
    uid = await node.add(pod())
    phases = []
    changed = node.client.watch(PODS, str(node.client.version))
    await node.client.delete(PODS, "web", "default")
    async for event in changed:
        phases.append((event.type, event.object.status.phase))
        if event.type == "DELETED":
            state = event.object.status.containerStatuses[0].state
            break
    assert phases[-1] == ("DELETED", "Failed")
    assert state.terminated.exitCode == 143
    assert node.runtime.seen(uid) is None


async def test_a_container_that_ignores_sigterm_is_killed_after_the_grace_period(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=True)
    uid = await node.add(pod())
    await node.client.delete(PODS, "web", "default", grace_seconds=20)
    await node.advance(19)
    assert node.runtime.running(uid, "app")
    await node.advance(1)
    assert node.client.find(PODS, "web") is None and node.runtime.seen(uid) is None


async def test_a_forced_deletion_does_not_wait_for_the_grace_period_that_runs(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=True)
    uid = await node.add(pod())
    await node.client.delete(PODS, "web", "default", grace_seconds=300)
    await node.advance(1)
    await node.client.delete(PODS, "web", "default", grace_seconds=0)
    await node.settle()
    await node.advance(2)
    assert node.runtime.seen(uid) is None


async def test_a_new_image_restarts_that_container_alone(node: Node) -> None:
    node.runtime.images["busybox:2"] = ImageSeen("sha256:2", "")
    uid = await node.add(pod(containers=[{"name": "a"}, {"name": "b"}]))
    before = node.runtime.running(uid, "b")
    containers = [
        {"name": "a", "image": "busybox:2", "imagePullPolicy": "IfNotPresent"},
        *pod(containers=[{"name": "b"}])["spec"]["containers"],
    ]
    await node.client.patch(PODS, "web", {"spec": {"containers": containers}}, "default")
    await node.settle()
    after = node.runtime.running(uid, "a")
    assert after and after.image == "busybox:2" and node.runtime.running(uid, "b") == before
    assert ("Killing", "Container a definition changed, will be restarted") in node.events()


async def test_a_pod_that_is_too_old_fails(node: Node) -> None:
    uid = await node.add(pod(activeDeadlineSeconds=30))
    await node.advance(29)
    assert node.status()["phase"] == "Running"
    await node.advance(1)
    assert (node.status()["phase"], node.status()["reason"]) == ("Failed", "DeadlineExceeded")
    assert not node.runtime.running(uid, "app")
    await node.advance(100)
    assert node.status()["phase"] == "Failed"


async def test_what_the_api_does_not_know_is_removed_from_engine_and_disk(node: Node) -> None:
    volume = {"name": "v", "emptyDir": {}}
    uid = await node.add(pod(volumes=[volume]))
    await node.kill()
    await node.client.delete(PODS, "web", "default", grace_seconds=0)
    node.start()
    await node.settle()
    await node.advance(3)
    assert node.runtime.seen(uid) is None and not (node.folder / "pods" / uid).exists()


async def test_a_restarted_kubelet_adopts_what_runs(node: Node) -> None:
    uid = await node.add(pod())
    before, status = node.runtime.running(uid, "app"), node.status()
    await node.kill()
    node.runtime.calls.clear()
    node.start()
    await node.settle()
    assert node.runtime.running(uid, "app") == before and node.status() == status
    assert not verbs(node)


async def test_a_container_that_ended_while_the_kubelet_was_away_is_restarted(node: Node) -> None:
    uid = await node.add(pod())
    await node.kill()
    node.runtime.exit(node.runtime.running(uid, "app").id, 1)  # type: ignore[union-attr]
    node.start()
    await node.settle()
    assert node.container()["restartCount"] == 1 and node.runtime.running(uid, "app")


async def test_pods_come_back_when_the_engine_does(node: Node) -> None:
    uid = await node.add(pod())
    await node.add(pod("job", restartPolicy="Never"))
    node.runtime.go_away()
    await node.advance(30)
    assert node.status()["phase"] == "Running", "nobody knows better yet"
    node.runtime.come_back()
    await node.advance(15)
    assert node.runtime.running(uid, "app") and node.container()["restartCount"] == 1
    assert node.status("job")["phase"] == "Failed"


async def test_restart_counts_survive_the_loss_of_dead_containers(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(700, exit_code=1)
    uid = await node.add(pod())
    await node.advance(700)
    await node.advance(700)
    assert node.container()["restartCount"] == 2
    await node.kill()
    seen = node.runtime.seen(uid)
    assert seen
    for container in seen.containers:
        await node.runtime.remove_container(container.id)
    node.start()
    await node.settle()
    assert node.container()["restartCount"] == 3 and node.runtime.running(uid, "app")


async def test_statuses_are_written_when_the_api_server_is_back(node: Node) -> None:
    uid = await node.add(pod())
    away = ConnectionError("away")

    def fail(verb: str, plural: str, name: str) -> None:
        if verb == "patch" and plural == "pods":
            raise away

    node.client.fail = fail
    node.runtime.exit(node.runtime.running(uid, "app").id, 1)  # type: ignore[union-attr]
    await node.settle()
    assert node.runtime.running(uid, "app"), "containers are restarted without the API server"
    assert node.container()["restartCount"] == 0
    node.client.fail = lambda verb, plural, name: None
    await node.advance(6)
    assert node.container()["restartCount"] == 1


async def test_conditions_of_others_are_kept(node: Node) -> None:
    uid = await node.add(pod(readinessGates=[{"conditionType": "example.com/gate"}]))
    ready = next(each for each in node.status()["conditions"] if each["type"] == "Ready")
    assert ready["reason"] == "ReadinessGatesNotReady"
    conditions = [*node.status()["conditions"], {"type": "example.com/gate", "status": "True"}]
    await node.client.patch(PODS, "web", {"status": {"conditions": conditions}}, "default", subresource="status")
    await node.settle()
    found = {each["type"]: each["status"] for each in node.status()["conditions"]}
    assert found["example.com/gate"] == "True" and found["Ready"] == "True"
    assert node.runtime.running(uid, "app")


async def test_fields_that_are_not_honoured_are_told(node: Node) -> None:
    await node.add(pod(securityContext={"seLinuxOptions": {"level": "s0"}}))
    message = "spec.securityContext.seLinuxOptions: the engine has no SELinux; the pod runs without it"
    assert ("FieldNotSupported", message) in node.events()


async def test_many_pods_start_beside_each_other(node: Node) -> None:
    for index in range(30):
        node.client.add(PODS, pod(f"p{index}"))
    await node.settle()
    assert all(node.status(f"p{index}")["phase"] == "Running" for index in range(30))


async def test_a_pod_of_the_same_name_is_another_pod(node: Node) -> None:
    old = await node.add(pod())
    await node.client.delete(PODS, "web", "default", grace_seconds=0)
    again = pod()
    again["metadata"]["uid"] = "uid-second"
    new = await node.add(again)
    await node.advance(3)
    assert node.runtime.seen(old) is None and node.runtime.running(new, "app")
    assert node.runtime.seen(new).ref == PodRef("uid-second", "default", "web")  # type: ignore[union-attr]


async def test_the_volumes_of_a_pod_that_is_over_go_before_the_pod_does(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(5)
    mounts = [{"name": "data", "mountPath": "/data"}]
    containers = [{"name": "app", "volumeMounts": mounts}]
    uid = await node.add(pod(containers=containers, restartPolicy="Never", volumes=[{"name": "data", "emptyDir": {}}]))
    folder = node.folder / "pods" / uid
    assert folder.exists()
    await node.advance(5)
    assert node.status()["phase"] == "Succeeded" and not folder.exists()
