"""The store as a service: etcd's API on an address, alone (`run`) or beside another user of the engine (`serve`)."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from aiohttp import web
from grpc_health.v1 import health
from prometheus_client import REGISTRY

from podling.loop.service import Tls, add_health, serve_http
from podling.pb.store import rpc_pb2, rpc_pb2_grpc
from podling.storage import StorageError, StorageUnavailable
from store.engine import Engine
from store.metrics import StoreCollector
from store.server import KV, Cluster, Context, Lease, Maintenance, refuse
from store.stream import WatchStream

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
_GRACE_SECONDS = 0.2  # watch streams never end by themselves


@dataclass(frozen=True)
class Config:
    """`data` is the folder of the database. `listen` is host:port (port 0: any free one) or unix:/path.

    With `tls` the store takes only clients whose certificate that CA signed. `http` is host:port for /healthz,
    /livez, /readyz and /metrics, "" for none.
    """

    data: Path
    listen: str = "127.0.0.1:2379"
    tls: Tls | None = None
    http: str = ""
    name: str = "podling"


class Server:
    """A gRPC server over an engine that it does not own. `address` is what clients dial, the port filled in."""

    def __init__(
        self,
        server: grpc.aio.Server,
        address: str,
        status: health.aio.HealthServicer,
        http: web.AppRunner | None,
        collector: StoreCollector,
    ) -> None:
        self.address = address
        self._collector = collector
        REGISTRY.register(collector)
        self._server = server
        self._health = status
        self._http = http

    async def wait(self) -> None:
        """Until it is stopped."""
        await self._server.wait_for_termination()

    async def stop(self) -> None:
        REGISTRY.unregister(self._collector)
        await self._health.enter_graceful_shutdown()
        await self._server.stop(_GRACE_SECONDS)
        if self._http:
            await self._http.cleanup()


async def run(config: Config, engine: Engine | None = None) -> None:
    """Serve until cancelled; opens and closes the engine itself unless it is given one."""
    own = engine is None
    engine = engine or await Engine.open(config.data)
    try:
        server = await serve(engine, config)
        try:
            await server.wait()
        finally:
            await server.stop()
    finally:
        if own:
            await engine.close()


async def serve(engine: Engine, config: Config) -> Server:
    """Attach etcd's services to an engine; raises `StorageUnavailable` where the address is taken."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.http2.min_ping_interval_without_data_ms", 5000),
            ("grpc.keepalive_permit_without_calls", 1),
        ]
    )
    address = _bind(server, config)
    scheme = "https" if config.tls else "http"
    rpc_pb2_grpc.add_KVServicer_to_server(KV(engine), server)
    rpc_pb2_grpc.add_LeaseServicer_to_server(Lease(engine), server)
    rpc_pb2_grpc.add_ClusterServicer_to_server(Cluster(engine, config.name, [f"{scheme}://{address}"]), server)
    rpc_pb2_grpc.add_MaintenanceServicer_to_server(Maintenance(engine), server)
    server.add_generic_rpc_handlers((_watch_handler(engine),))
    status = await add_health(server, [each.full_name for each in rpc_pb2.DESCRIPTOR.services_by_name.values()])
    await server.start()
    http = None
    if config.http:
        host, _, port = config.http.rpartition(":")
        http = await serve_http(host, int(port), lambda: engine.refusal)
    log.info("store serving address=%s tls=%s", address, config.tls is not None)
    return Server(server, address, status, http, StoreCollector(engine))


def _bind(server: grpc.aio.Server, config: Config) -> str:
    try:
        if config.tls:
            port = server.add_secure_port(config.listen, config.tls.server_credentials())
        else:
            port = server.add_insecure_port(config.listen)
    except (RuntimeError, OSError) as error:
        raise StorageUnavailable(f"cannot listen on {config.listen}: {error}") from error
    if config.listen.startswith("unix:"):
        return config.listen
    return f"{config.listen.rpartition(':')[0]}:{port}"


def _watch_handler(engine: Engine) -> grpc.GenericRpcHandler:
    """Watch by hand instead of the generated servicer: its answers are bytes already."""

    async def watch(requests: AsyncIterator[rpc_pb2.WatchRequest], context: Context) -> AsyncIterator[bytes]:
        try:
            async for message in WatchStream(engine).answer(requests):
                yield message
        except StorageError as error:
            await refuse(context, error)

    return grpc.method_handlers_generic_handler(
        "etcdserverpb.Watch",
        {
            "Watch": grpc.stream_stream_rpc_method_handler(
                watch, request_deserializer=rpc_pb2.WatchRequest.FromString, response_serializer=bytes
            )
        },
    )
