"""What every podling service shows to the outside beside its own work: gRPC health and reflection, `/healthz`,
`/livez`, `/readyz`, `/metrics`, and one log line a change of state."""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from aiohttp import web
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

MOST_BYTES = 64 << 20
OPTIONS = [
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.max_send_message_length", MOST_BYTES),
    ("grpc.so_reuseport", 0),
]
Ready = Callable[[], str]  # "" when ready, else what is missing


@dataclass(frozen=True)
class Tls:
    """PEM files: the cluster's CA, and this service's certificate and key, for both directions."""

    ca: Path
    cert: Path
    key: Path

    def read(self) -> tuple[bytes, bytes, bytes]:
        """(ca, cert, key)"""
        return self.ca.read_bytes(), self.cert.read_bytes(), self.key.read_bytes()

    def server_credentials(self, require_client: bool = True) -> grpc.ServerCredentials:
        ca, cert, key = self.read()
        return grpc.ssl_server_credentials([(key, cert)], root_certificates=ca, require_client_auth=require_client)


def configure_logging(level: str = "INFO") -> None:
    """To standard error, one line each; the supervisor keeps it in a file a service."""
    logging.basicConfig(
        level=level, stream=sys.stderr, force=True, format="%(asctime)s.%(msecs)03d %(levelname)s %(name)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )  # fmt: skip
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def grpc_server() -> grpc.aio.Server:
    return grpc.aio.server(options=OPTIONS)


async def add_health(server: grpc.aio.Server, services: Sequence[str]) -> health.aio.HealthServicer:
    """The standard health and reflection services; `services` are the full proto names served, all SERVING."""
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in services:
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    return servicer


async def serve_http(host: str, port: int, ready: Ready) -> web.AppRunner:
    """Health and metrics over plain HTTP; the caller owes a `cleanup`."""

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        missing = ready()
        return web.Response(text=f"not ready: {missing}", status=500) if missing else web.Response(text="ok")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    for path, answer in (("/healthz", live), ("/livez", live), ("/readyz", readyz), ("/metrics", metrics)):
        app.router.add_get(path, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
