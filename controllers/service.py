"""The controllers as a process. `CONTROLLERS` is all of them; each is one file and one function."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers import (
    bootstrap_signer,
    certificate_approval,
    certificate_cleanup,
    certificate_signing,
    cluster_role_aggregation,
    disruption,
    garbage,
    namespace,
    node_lifecycle,
    pod_gc,
    resource_quota,
    root_ca,
    service_account,
    service_address,
    taint_eviction,
    token_cleaner,
)
from controllers.controller import Context
from podling import pki
from podling.client.grpc import GrpcClient, dial
from podling.client.informers import Informers
from podling.loop.clock import RealClock
from podling.loop.service import Tls, add_health, grpc_server, serve_http

log = logging.getLogger(__name__)

CONTROLLERS: tuple[tuple[str, Callable[[Context], Coroutine[Any, Any, None]]], ...] = (
    ("service-account", service_account.control),
    ("root-ca", root_ca.control),
    ("namespace", namespace.control),
    ("node-lifecycle", node_lifecycle.control),
    ("taint-eviction", taint_eviction.control),
    ("pod-gc", pod_gc.control),
    ("disruption", disruption.control),
    ("resource-quota", resource_quota.control),
    ("garbage", garbage.control),
    ("token-cleaner", token_cleaner.control),
    ("bootstrap-signer", bootstrap_signer.control),
    ("cluster-role-aggregation", cluster_role_aggregation.control),
    ("certificate-approval", certificate_approval.control),
    ("certificate-signing", certificate_signing.control),
    ("certificate-cleanup", certificate_cleanup.control),
    ("service-address", service_address.control),
)


@dataclass(frozen=True)
class Config:
    """`apiserver` is the host:port of its gRPC face."""

    apiserver: str
    tls: Tls
    pki: Path | None = None  # where the cluster's authority is, for who signs certificates
    host: str = "127.0.0.1"
    grpc_port: int = 0
    http_port: int = 0


async def run(config: Config) -> None:
    """Until cancelled."""
    client = GrpcClient(dial(config.apiserver, *config.tls.read()), manager="kube-controller-manager")
    server = grpc_server()
    await add_health(server, [])
    port = server.add_secure_port(f"{config.host}:{config.grpc_port}", config.tls.server_credentials())
    await server.start()
    http = await serve_http(config.host, config.http_port, lambda: "")
    log.info("controllers serving grpc=%s:%s", config.host, port)
    try:
        async with Informers(client) as informers, asyncio.TaskGroup() as group:
            signs = pki.authority(config.pki) if config.pki else None
            context = Context(client, informers, RealClock(), config.tls.ca.read_text(), signs)
            for _, control in CONTROLLERS:
                group.create_task(control(context))
    finally:
        await http.cleanup()
        await server.stop(0.5)
        await client.close()
