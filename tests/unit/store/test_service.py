import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from podling import pki
from podling.client.etcd import EtcdStorage
from podling.loop.service import Tls
from podling.pb.store import rpc_pb2, rpc_pb2_grpc
from podling.storage import Put, StorageUnavailable
from store.engine import Engine
from store.local import LocalStorage
from store.service import Config, Server, run, serve


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = await Engine.open(tmp_path / "data")
    yield engine
    await engine.close()


@pytest.fixture
async def server(engine: Engine, tmp_path: Path) -> AsyncIterator[Server]:
    server = await serve(engine, Config(tmp_path, "127.0.0.1:0"))
    yield server
    await server.stop()


def tls(folder: Path, authority: str, leaf: str) -> Tls:
    return Tls(folder / f"{authority}.crt", folder / f"{leaf}.crt", folder / f"{leaf}.key")


async def test_one_engine_serves_its_process_and_others_at_once(engine: Engine, server: Server) -> None:
    here, there = LocalStorage(engine), EtcdStorage([server.address])
    await here.write(None, Put(b"/a", b"1"))
    assert (await there.get(b"/a")).kvs == (await here.get(b"/a")).kvs
    await there.close()


async def test_only_clients_of_its_authority_get_in(engine: Engine, tmp_path: Path) -> None:
    pki.ensure(tmp_path / "pki", [])
    config = Config(tmp_path, "127.0.0.1:0", tls=tls(tmp_path / "pki", "etcd-ca", "etcd-server"))
    server = await serve(engine, config)
    friend = EtcdStorage([f"https://{server.address}"], tls(tmp_path / "pki", "etcd-ca", "etcd-client"))
    assert (await friend.write(None, Put(b"/a", b"1"))).succeeded
    for stranger in (
        EtcdStorage([server.address], tls(tmp_path / "pki", "etcd-ca", "admin")),
        EtcdStorage([server.address]),
    ):
        with pytest.raises(StorageUnavailable):
            await stranger.get(b"/a")
        await stranger.close()
    await friend.close()
    await server.stop()


async def test_health_and_reflection_name_its_services(server: Server) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        check = health_pb2.HealthCheckRequest(service="etcdserverpb.KV")
        healthy = await health_pb2_grpc.HealthStub(channel).Check(check)
        assert healthy.status == health_pb2.HealthCheckResponse.SERVING
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
        [answer] = [response async for response in stream]
        names = {service.name for service in answer.list_services_response.service}
        assert {f"etcdserverpb.{name}" for name in ("KV", "Watch", "Lease", "Cluster", "Maintenance")} <= names


async def test_http_tells_health_and_metrics(engine: Engine, tmp_path: Path, unused_tcp_port: int) -> None:
    server = await serve(engine, Config(tmp_path, "127.0.0.1:0", http=f"127.0.0.1:{unused_tcp_port}"))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as session:
        for path in ("/healthz", "/livez", "/readyz", "/metrics"):
            assert (await session.get(path)).status == 200
        assert "podling_store_revision 1.0" in await (await session.get("/metrics")).text()
    await server.stop()


async def test_an_address_that_is_taken_is_said(engine: Engine, server: Server, tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot listen on"):
        await serve(engine, Config(tmp_path, server.address))


async def test_it_runs_until_cancelled_and_can_run_again(tmp_path: Path) -> None:
    config = Config(tmp_path / "data", f"unix:{tmp_path}/etcd.sock")
    for revision in (2, 3):
        running = asyncio.create_task(run(config))
        storage = EtcdStorage([config.listen])
        async with asyncio.timeout(60):
            while not running.done():
                try:
                    assert (await storage.write(None, Put(b"/a", b""))).revision == revision
                    break
                except StorageUnavailable:
                    continue
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await storage.close()


async def test_a_request_over_the_limit_is_too_large(server: Server) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="etcdserver: request is too large"):
            await rpc_pb2_grpc.KVStub(channel).Put(rpc_pb2.PutRequest(key=b"a", value=bytes(1600 * 1024)))
