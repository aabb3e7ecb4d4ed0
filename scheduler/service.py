"""The scheduler as a process: a client of the API server, and a gRPC server for `Explain`."""

import logging
from dataclasses import dataclass

from podling.client.events import EventRecorder
from podling.client.grpc import GrpcClient, dial
from podling.loop.service import Tls, add_health, grpc_server, serve_http
from podling.pb.scheduler.scheduler_pb2_grpc import add_SchedulerServicer_to_server
from scheduler.scheduler import NAME, Scheduler
from scheduler.server import ExplainServicer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """`apiserver` is the host:port of its gRPC face."""

    apiserver: str
    tls: Tls
    host: str = "127.0.0.1"
    grpc_port: int = 0
    http_port: int = 0


async def run(config: Config) -> None:
    """Until cancelled."""
    client = GrpcClient(dial(config.apiserver, *config.tls.read()), manager="kube-scheduler")
    scheduler = Scheduler(client, EventRecorder(client, NAME))
    server = grpc_server()
    add_SchedulerServicer_to_server(ExplainServicer(scheduler), server)
    await add_health(server, ["podling.scheduler.v1.Scheduler"])
    port = server.add_secure_port(f"{config.host}:{config.grpc_port}", config.tls.server_credentials())
    await server.start()

    def ready() -> str:
        filled = all(informer.is_synced for informer in scheduler.informers)
        return "" if filled else "the caches are not filled yet"

    http = await serve_http(config.host, config.http_port, ready)
    log.info("scheduler serving grpc=%s:%s", config.host, port)
    try:
        await scheduler.run()
    finally:
        await http.cleanup()
        await server.stop(0.5)
        await client.close()
