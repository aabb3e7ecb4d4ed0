"""Carries out what probes and lifecycle hooks ask: a command, an HTTP or gRPC request, a connection, a wait.

Nothing raises; what could not be asked at all is an answer too. Requests go from this process to the pod's address, as
Kubernetes' kubelet sends them. Source: k8s.io/kubernetes/pkg/probe, pkg/kubelet/lifecycle/handlers.go.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from kubelet.expansion import expand
from kubelet.probes import grpc_check, http_get
from kubelet.probes.probes import Answer, Outcome, port_of
from kubelet.runtime import PodRef, RuntimeUnavailable
from podling.loop.clock import Clock


class ExecError(Exception):
    """The command could not be run; the message says why."""


class Executor(Protocol):
    async def execute(self, ref: PodRef, container: str, command: list[str]) -> tuple[int, str]:
        """Exit code and output of a command in a running container; raises `ExecError`, `RuntimeUnavailable`."""


VERSION = "1.36"
PROBE_AGENT, HOOK_AGENT = f"kube-probe/{VERSION}", f"kube-lifecycle/{VERSION}"


class Place(NamedTuple):
    """Where a handler runs: a running container of a pod, and the pod's address."""

    ref: PodRef
    container: Any
    ip: str


class Handlers:
    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor, self._clock = executor, clock

    async def probe(self, handler: Any, place: Place, timeout: float) -> Answer:
        """`timeout` in seconds."""
        try:
            async with asyncio.timeout(timeout):
                return await self._probe(handler, place, timeout)
        except TimeoutError:
            return Answer(Outcome.FAILURE, _timed_out(handler, place, timeout))
        except (ExecError, ValueError, RuntimeUnavailable) as error:
            return Answer(Outcome.UNKNOWN, str(error))

    async def _probe(self, handler: Any, place: Place, timeout: float) -> Answer:
        if handler.exec:
            code, output = await self._execute(handler.exec, place)
            return Answer(Outcome.FAILURE if code else Outcome.SUCCESS, output)
        if handler.httpGet:
            return await _http(handler.httpGet, place)
        if handler.tcpSocket:
            return await _tcp(handler.tcpSocket, place)
        return await grpc_check.check(place.ip, handler.grpc, timeout)

    async def hook(self, handler: Any, place: Place, timeout: float | None) -> str | None:
        """Why a lifecycle hook failed, None when it did not. `timeout` in seconds; None waits for ever."""
        try:
            async with asyncio.timeout(timeout):
                return await self._hook(handler, place)
        except TimeoutError:
            return f"the hook did not end within {timeout:g} s"
        except (ExecError, ValueError, RuntimeUnavailable, http_get.HttpError) as error:
            return str(error)

    async def _hook(self, handler: Any, place: Place) -> str | None:
        if handler.exec:
            code, output = await self._execute(handler.exec, place)
            if not code:
                return None
            command = " ".join(handler.exec.command or ())
            where = f"{place.ref.name}_{place.ref.namespace}({place.ref.uid})"
            why = f"command '{command}' exited with {code}: {output}"
            return (
                f'Exec lifecycle hook ([{command}]) for Container "{place.container.name}" in Pod "{where}" failed'
                f" - error: {why}"
            )
        if handler.httpGet:  # any answer will do
            await http_get.get(url_of(handler.httpGet, place), headers_of(handler.httpGet, HOOK_AGENT))
            return None
        if handler.sleep:
            await self._clock.sleep(handler.sleep.seconds)
            return None
        return "invalid handler: a hook can be exec, httpGet or sleep"

    async def _execute(self, action: Any, place: Place) -> tuple[int, str]:
        """`$(NAME)` of the container's own plain variables is known; others are not."""
        values = {each.name: each.value or "" for each in place.container.env or ()}
        command = [expand(word, values) for word in action.command or ()]
        return await self._executor.execute(place.ref, place.container.name, command)


async def _http(given: Any, place: Place) -> Answer:
    try:
        answer = await http_get.get(url_of(given, place), headers_of(given, PROBE_AGENT))
    except http_get.HttpError as error:
        return Answer(Outcome.FAILURE, str(error))
    if 300 <= answer.status < 400:
        return Answer(Outcome.WARNING, f"Probe terminated redirects, Response body: {answer.body}")
    if 200 <= answer.status < 300:
        return Answer(Outcome.SUCCESS, answer.body)
    return Answer(Outcome.FAILURE, f"HTTP probe failed with statuscode: {answer.status}")


async def _tcp(given: Any, place: Place) -> Answer:
    host, port = given.host or place.ip, port_of(place.container, given.port)
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_connection(asyncio.Protocol, host, port)
    except OSError as error:
        return Answer(Outcome.FAILURE, http_get.dial_error(host, port, error))
    transport.close()
    return Answer(Outcome.SUCCESS)


def url_of(given: Any, place: Place) -> str:
    path = given.path or "/"
    path = path if path.startswith("/") else f"/{path}"
    host = given.host or place.ip
    host = f"[{host}]" if ":" in host else host
    return f"{(given.scheme or 'HTTP').lower()}://{host}:{port_of(place.container, given.port)}{path}"


def headers_of(given: Any, agent: str) -> Sequence[tuple[str, str]]:
    """What the probe gives, and the kubelet's own where it gives none; an empty value leaves a header out."""
    own = [(each.name, each.value or "") for each in given.httpHeaders or ()]
    names = {name.lower() for name, _ in own}
    ours = [("User-Agent", agent), ("Accept", "*/*")]
    return [*(each for each in ours if each[0].lower() not in names), *own]


def _timed_out(handler: Any, place: Place, timeout: float) -> str:
    if handler.exec:
        return f'command timed out: "{" ".join(handler.exec.command or [])}" timed out after {timeout:g}s'
    if handler.httpGet:
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return f'Get "{url_of(handler.httpGet, place)}": {why}'
    if handler.tcpSocket:
        given = handler.tcpSocket
        return f"dial tcp {given.host or place.ip}:{port_of(place.container, given.port)}: i/o timeout"
    return f"timeout: health rpc did not complete within {timeout:g}s"
