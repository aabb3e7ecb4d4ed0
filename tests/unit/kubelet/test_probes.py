"""Probes and hooks: over the node in memory, and the handlers over real sockets."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from kubelet.fake import Program
from kubelet.probes.handlers import Handlers, Place, url_of
from kubelet.probes.probes import Answer, Outcome, Streak, next_due, port_of, probes_of
from kubelet.runtime import PodRef
from podling.client.resource import PODS
from podling.loop.clock import FakeClock, RealClock

from .build import typed_pod
from .conftest import FakeExecutor, Node, pod


def probe(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"command": [command]}, "periodSeconds": 5, "failureThreshold": 2, **more}


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [
        ([True], [True]),
        ([False, False, False], [None, None, False]),
        ([True, False, False, True], [True, True, True, True]),
        ([True, False, False, False, True], [True, True, True, False, True]),
    ],
)
def test_a_verdict_needs_answers_in_a_row(answers: list[bool], verdicts: list[bool | None]) -> None:
    streak, found = Streak(1, 3), []
    for answer in answers:
        streak.record(answer)
        found.append(streak.verdict)
    assert found == verdicts


def test_probes_have_kubernetes_defaults() -> None:
    (spec,) = probes_of(typed_pod([{"name": "a", "livenessProbe": {"tcpSocket": {"port": 1}}}]).spec.containers[0])
    assert (spec.initial_delay, spec.period, spec.timeout, spec.success_threshold, spec.failure_threshold) == (
        0, 10, 1, 1, 3,
    )  # fmt: skip


async def test_readiness_drives_the_condition(node: Node) -> None:
    node.executor.answers["ready"] = (1, "not yet")
    await node.add(pod(containers=[{"name": "app", "readinessProbe": probe("ready", initialDelaySeconds=3)}]))
    assert not node.executor.ran and not node.container()["ready"]
    assert node.status()["phase"] == "Running"
    await node.advance(3)
    assert not node.container()["ready"] and ("Unhealthy", "Readiness probe failed: not yet") in node.events()
    node.executor.answers["ready"] = (0, "")
    await node.advance(5)
    assert node.container()["ready"]
    node.executor.answers["ready"] = (1, "")
    await node.advance(5)
    assert node.container()["ready"], "one failure is not enough"
    await node.advance(5)
    assert not node.container()["ready"]
    ready = next(each for each in node.status()["conditions"] if each["type"] == "Ready")
    assert ready["reason"] == "ContainersNotReady"


async def test_a_restarted_kubelet_makes_nothing_unready(node: Node) -> None:
    await node.add(pod(containers=[{"name": "app", "readinessProbe": probe("ready"), "startupProbe": probe("up")}]))
    await node.advance(5)
    assert node.container()["ready"]
    await node.kill()
    node.start()
    changed = node.client.version
    await node.settle()
    assert node.container()["ready"] and node.client.version == changed


async def test_failing_liveness_restarts_the_container(node: Node) -> None:
    uid = await node.add(pod(containers=[{"name": "app", "livenessProbe": probe("alive")}]))
    await node.advance(20)
    assert node.container()["restartCount"] == 0
    node.executor.answers["alive"] = (1, "dead")
    await node.advance(10)
    assert node.container()["restartCount"] == 1 and node.runtime.running(uid, "app")
    assert ("Killing", "Container app failed liveness probe, will be restarted") in node.events()
    assert node.container()["lastState"]["terminated"]["exitCode"] == 143


async def test_a_startup_probe_holds_the_others_back(node: Node) -> None:
    node.executor.answers["up"] = (1, "")
    slow = probe("up", failureThreshold=10)
    await node.add(pod(containers=[{"name": "app", "startupProbe": slow, "livenessProbe": probe("alive")}]))
    await node.advance(20)
    assert {command for _, command in node.executor.ran} == {"up"}
    assert not node.container()["started"] and not node.container()["ready"]
    node.executor.answers["up"] = (0, "")
    await node.advance(5)
    assert node.container()["started"] and node.container()["ready"]
    await node.advance(5)
    assert ("app", "alive") in node.executor.ran


async def test_a_startup_probe_that_never_succeeds_restarts_the_container(node: Node) -> None:
    node.executor.answers["up"] = (1, "")
    await node.add(pod(containers=[{"name": "app", "startupProbe": probe("up")}]))
    await node.advance(5)
    assert ("Killing", "Container app failed startup probe, will be restarted") in node.events()
    assert node.container()["restartCount"] == 1


async def test_the_app_waits_for_its_sidecar_to_have_started(node: Node) -> None:
    node.executor.answers["up"] = (1, "")
    side = {"name": "side", "restartPolicy": "Always", "startupProbe": probe("up", failureThreshold=100)}
    uid = await node.add(pod(initContainers=[side]))
    await node.advance(10)
    assert node.runtime.running(uid, "side") and not node.runtime.running(uid, "app")
    node.executor.answers["up"] = (0, "")
    await node.advance(5)
    assert node.runtime.running(uid, "app")


async def test_a_post_start_hook_that_fails_ends_its_container(node: Node) -> None:
    node.executor.answers["hook"] = (1, "no")
    uid = await node.add(pod(containers=[{"name": "app", "lifecycle": {"postStart": {"exec": {"command": ["hook"]}}}}]))
    assert "FailedPostStartHook" in node.reasons()
    assert ("Killing", "FailedPostStartHook") in node.events()
    waiting = node.container()["state"]["waiting"]
    assert waiting["reason"] == "PostStartHookError" and "exited with 1: no" in waiting["message"]
    await node.advance(2)
    assert node.container()["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    node.executor.answers["hook"] = (0, "")
    await node.advance(10)
    assert node.runtime.running(uid, "app")


async def test_a_pod_that_leaves_does_not_wait_for_its_post_start_hook(node: Node) -> None:
    hook = {"postStart": {"sleep": {"seconds": 1000}}}
    await node.add(pod(containers=[{"name": "app", "lifecycle": hook}]))
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert node.client.find(PODS, "web") is None


async def test_a_pre_stop_hook_runs_before_sigterm_and_takes_from_the_grace_period(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=True)
    hook = {"preStop": {"sleep": {"seconds": 4}}}
    await node.add(pod(containers=[{"name": "app", "lifecycle": hook}], terminationGracePeriodSeconds=10))
    await node.client.delete(PODS, "web", "default")
    await node.advance(3)
    assert not [verb for verb, _ in node.runtime.calls if verb == "stop_container"]
    await node.advance(1)
    assert next(about for verb, about in node.runtime.calls if verb == "stop_container").endswith("/6")
    await node.advance(6)
    assert node.client.find(PODS, "web") is None


async def test_a_pre_stop_hook_that_fails_is_told(node: Node) -> None:
    node.executor.answers["bye"] = (1, "")
    await node.add(pod(containers=[{"name": "app", "lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}}]))
    await node.client.delete(PODS, "web", "default")
    await node.settle()
    assert "FailedPreStopHook" in node.reasons() and node.client.find(PODS, "web") is None


def place(ip: str = "127.0.0.1", **container: Any) -> Place:
    ports = [{"name": "http", "containerPort": 8080}]
    found = typed_pod([{"name": "app", "ports": ports, **container}]).spec.containers[0]
    return Place(PodRef("u", "default", "web"), found, ip)


def handler(**given: Any) -> Any:
    return typed_pod([{"name": "app", "livenessProbe": given}]).spec.containers[0].livenessProbe


def test_ports_have_numbers_or_names() -> None:
    container = place().container
    assert port_of(container, 80) == 80 and port_of(container, "http") == 8080 and port_of(container, "81") == 81
    with pytest.raises(ValueError, match='parsing "nope": invalid syntax'):
        port_of(container, "nope")
    assert url_of(handler(httpGet={"port": "http", "path": "x"}).httpGet, place("10.0.0.2")) == "http://10.0.0.2:8080/x"


async def test_http_handlers_ask_and_judge_by_status() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers["User-Agent"], request.headers.get("X-A"), request.headers["Host"]))
        return web.Response(status=int(request.query["status"]))

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    handlers = Handlers(FakeExecutor(), RealClock())

    async def ask(status: int) -> Answer:
        headers = [{"name": "X-A", "value": "1"}, {"name": "Host", "value": "example.com"}]
        given = {"port": port, "path": f"/?status={status}", "httpHeaders": headers}
        return await handlers.probe(handler(httpGet=given), place(), 5)

    assert (await ask(204)).succeeded
    assert await ask(503) == Answer(Outcome.FAILURE, "HTTP probe failed with statuscode: 503")
    assert seen[0] == ("kube-probe/1.36", "1", "example.com")
    await runner.cleanup()
    refused = await ask(200)
    assert not refused.succeeded and refused.message.startswith(f'Get "http://127.0.0.1:{port}/?status=200": ')


async def test_tcp_handlers_connect() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    handlers = Handlers(FakeExecutor(), RealClock())
    assert (await handlers.probe(handler(tcpSocket={"port": port}), place(), 5)).succeeded
    elsewhere = handler(tcpSocket={"port": port, "host": "127.0.0.1"})
    assert (await handlers.probe(elsewhere, place("192.0.2.1"), 5)).succeeded
    server.close()
    await server.wait_closed()
    answer = await handlers.probe(handler(tcpSocket={"port": port}), place(), 5)
    assert answer == Answer(Outcome.FAILURE, f"dial tcp 127.0.0.1:{port}: connect: connection refused")


async def test_what_takes_too_long_fails() -> None:
    ended = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    handlers = Handlers(FakeExecutor(), FakeClock())
    answer = await handlers.probe(handler(httpGet={"port": port}), place(), 0.05)
    assert not answer.succeeded and "Client.Timeout exceeded" in answer.message
    await ended.wait()
    hanging.close()
    await hanging.wait_closed()


async def test_readiness_is_asked_on_while_the_pod_leaves_and_liveness_is_not(node: Node) -> None:
    node.runtime.programs = lambda ref, name, attempt: Program(ignores_term=True)
    await node.add(pod(containers=[{"name": "app", "readinessProbe": probe("ready"), "livenessProbe": probe("alive")}]))
    assert node.container()["ready"]
    await node.client.delete(PODS, "web", "default")
    node.executor.answers |= {"ready": (1, ""), "alive": (1, "")}
    await node.advance(10)
    assert not node.container()["ready"] and "running" in node.container()["state"]
    assert {message.split()[0] for reason, message in node.events() if reason == "Unhealthy"} == {"Readiness"}


async def test_what_could_not_be_asked_is_told_and_counts_as_nothing(node: Node) -> None:
    liveness = {"httpGet": {"port": "nope"}, "periodSeconds": 1, "failureThreshold": 1}
    await node.add(pod(containers=[{"name": "app", "livenessProbe": liveness}]))
    await node.advance(10)
    words = 'Liveness probe errored and resulted in unknown state: strconv.Atoi: parsing "nope": invalid syntax'
    assert ("Unhealthy", words) in node.events() and node.container()["restartCount"] == 0


def test_probes_keep_their_period_at_times_that_they_share() -> None:
    first = next_due(12.34, 1.0, 12.35)
    assert first == pytest.approx(13.4)
    assert next_due(first, 1.0, 13.41) == pytest.approx(14.4), "no drift"
    assert next_due(first, 1.0, 17.0) == pytest.approx(17.4), "what was missed is not made up for"


async def test_a_hook_by_tcp_fails_as_in_kubernetes(node: Node) -> None:
    """It is in the schema for old manifests alone."""
    hook = {"postStart": {"tcpSocket": {"port": 80}}}
    await node.add(pod(containers=[{"name": "app", "lifecycle": hook}]))
    assert ("FailedPostStartHook", "PostStartHook failed") in node.events()
