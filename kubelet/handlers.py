"""Carries out what probes and lifecycle hooks ask: a command, an HTTP or gRPC request, a connection, a wait.

The answer is (whether it succeeded, what it said); nothing raises. Requests go from this process to
the pod's address, as Kubernetes' kubelet sends them. Source: k8s.io/kubernetes/pkg/probe.
"""

import asyncio
import logging
from typing import Any, NamedTuple, Protocol

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kubelet.probes import port_of
from kubelet.runtime import PodRef, RuntimeUnavailable
from podling.loop.clock import Clock

log = logging.getLogger(__name__)


class ExecError(Exception):
    """The command could not be run; the message says why."""


class Executor(Protocol):
    async def execute(self, ref: PodRef, container: str, command: list[str]) -> tuple[int, str]:
        """Exit code and output of a command in a running container; raises `ExecError`, `RuntimeUnavailable`."""


MOST_BODY_BYTES = 10 << 10
AGENT = "kube-probe/1.36"
# Whatever a pod's own server or the engine says is an answer.
REFUSALS = (OSError, ValueError, aiohttp.ClientError, grpc.aio.AioRpcError, ExecError, RuntimeUnavailable)


class Answer(NamedTuple):
    succeeded: bool
    message: str = ""


class Place(NamedTuple):
    """Where a handler runs: a running container of a pod, and the pod's address."""

    ref: PodRef
    container: Any
    ip: str


class Handlers:
    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor, self._clock = executor, clock
        self._session: aiohttp.ClientSession | None = None

    async def run(self, handler: Any, place: Place, timeout: float | None) -> Answer:
        """`timeout` in seconds; None waits for ever."""
        try:
            async with asyncio.timeout(timeout):
                return await self._run(handler, place)
        except TimeoutError:
            return Answer(False, _timed_out(handler, place, timeout or 0))
        except REFUSALS as error:
            return Answer(False, str(error) or type(error).__name__)

    async def _run(self, handler: Any, place: Place) -> Answer:
        if handler.exec:
            code, output = await self._executor.execute(place.ref, place.container.name, handler.exec.command or [])
            return Answer(code == 0, output.strip() if code else "")
        if handler.httpGet:
            return await self._http(handler.httpGet, place)
        if handler.tcpSocket:
            return await self._tcp(handler.tcpSocket, place)
        if getattr(handler, "grpc", None):
            return await self._grpc(handler.grpc, place)
        if getattr(handler, "sleep", None):
            await self._clock.sleep(handler.sleep.seconds)
        return Answer(True)

    async def _http(self, given: Any, place: Place) -> Answer:
        headers = {"User-Agent": AGENT, "Accept": "*/*"}
        headers |= {each.name: each.value for each in given.httpHeaders or ()}
        url = url_of(given, place)
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False, force_close=True, limit=0))
        try:
            async with self._session.get(url, headers=headers, allow_redirects=True, max_redirects=10) as response:
                body = await response.content.read(MOST_BODY_BYTES)
        except aiohttp.ClientError as error:
            return Answer(False, f'Get "{url}": {error}')
        if 200 <= response.status < 400:
            return Answer(True, body.decode("utf-8", "replace"))
        return Answer(False, f"HTTP probe failed with statuscode: {response.status}")

    async def _tcp(self, given: Any, place: Place) -> Answer:
        host, port = given.host or place.ip, port_of(place.container, given.port)
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            why = "connection refused" if isinstance(error, ConnectionRefusedError) else error.strerror or str(error)
            return Answer(False, f"dial tcp {host}:{port}: connect: {why}")
        writer.close()
        await writer.wait_closed()
        return Answer(True)

    async def _grpc(self, given: Any, place: Place) -> Answer:
        address = f"{place.ip}:{given.port}"
        async with grpc.aio.insecure_channel(address, options=[("grpc.primary_user_agent", AGENT)]) as channel:
            request = health_pb2.HealthCheckRequest(service=given.service or "")
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(request)
            except grpc.aio.AioRpcError as error:
                return Answer(False, f"error: health rpc probe failed: {error.details()}")
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return Answer(True)
        word = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        return Answer(False, f'service unhealthy (responded with "{word}")')

    async def close(self) -> None:
        if self._session:
            await self._session.close()


def url_of(given: Any, place: Place) -> str:
    path = given.path or "/"
    path = path if path.startswith("/") else f"/{path}"
    return f"{(given.scheme or 'HTTP').lower()}://{given.host or place.ip}:{port_of(place.container, given.port)}{path}"


def _timed_out(handler: Any, place: Place, timeout: float) -> str:
    if handler.exec:
        return f'command timed out: "{" ".join(handler.exec.command or [])}" timed out after {timeout:g}s'
    if handler.httpGet:
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return f'Get "{url_of(handler.httpGet, place)}": {why}'
    return f"timeout: failed to connect within {timeout:g}s"
