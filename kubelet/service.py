"""The kubelet as a process: a client of the API server and of the engine, and a gRPC server for its streams.

    engine answers → node's address → gRPC server → node registered → pods

Each part waits for what it needs, so they may all be started in any order, and any of them may go away and come back.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from kubelet.cgroups.stats import Stats
from kubelet.configuration import DEFAULTS, Configuration
from kubelet.context import Tools
from kubelet.docker.image_roots import DockerImageRoots
from kubelet.docker.runtime import DockerRuntime
from kubelet.docker.streams import DockerStreams
from kubelet.execution import StreamExecutor
from kubelet.images.pulled import PulledImages
from kubelet.images.puller import ImagePuller
from kubelet.kubelet import Kubelet
from kubelet.launcher import Launcher
from kubelet.network.network import NetworkError, NetworkSpec
from kubelet.node.agent import NodeAgent
from kubelet.node.allocatable import allocatable, reserved_bytes
from kubelet.node.object import NodeSpec
from kubelet.node.shutdown import SHUT_DOWN
from kubelet.node.work import NodeWork
from kubelet.probes.handlers import Handlers
from kubelet.resolv import host_dns
from kubelet.runtime import RuntimeUnavailable
from kubelet.server import serve
from kubelet.service_variables import api_service
from kubelet.static.sources import PodSources
from kubelet.static.streams import MirroredStreams
from kubelet.status_writer import StatusWriter
from kubelet.streams import Target
from kubelet.volumes.objects import Objects
from kubelet.volumes.volumes import Volumes
from kubelet.wanted import NodeFacts
from podling.client.client import Client
from podling.client.events import EventRecorder
from podling.client.grpc import GrpcClient, dial
from podling.client.informer import Informer
from podling.client.resource import NODES, PODS, SERVICES
from podling.loop.clock import Clock, RealClock
from podling.loop.service import Tls, serve_http

log = logging.getLogger(__name__)
ENGINE_RETRY_SECONDS = 1.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Config:
    """`apiserver` is the host:port of its gRPC face; `cluster_cidr` holds the pod ranges of all nodes, `pod_cidr` this
    node's. `state_dir` is this node's own. `cluster_dns` is "" where the cluster has no name service.
    `pod_api` is the host:port of the API server's HTTPS face for pods; "" where they reach none. `configuration` has
    the names of a KubeletConfiguration."""

    cluster: str
    node_name: str
    state_dir: Path
    apiserver: str
    tls: Tls
    pod_cidr: str
    cluster_cidr: str
    cluster_dns: str = ""
    cluster_domain: str = "cluster.local"
    host: str = LOOPBACK  # of health and metrics; the node service listens at the node's own address
    port: int = 0
    http_port: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    pod_api: str = ""
    configuration: Configuration = DEFAULTS


async def run(config: Config) -> None:
    """Until cancelled. Containers run on."""
    config.state_dir.mkdir(parents=True, exist_ok=True)
    client = GrpcClient(dial(config.apiserver, *config.tls.read()), manager="kubelet")
    spec = NetworkSpec(config.cluster, config.node_name, IPv4Network(config.cluster_cidr), IPv4Network(config.pod_cidr))
    kept = reserved_bytes(config.configuration)
    runtime = DockerRuntime(spec, config.state_dir, logs=config.configuration.log_rotation, reserved_bytes=kept)
    node = _Node(config, client, runtime)
    http = await serve_http(config.host, config.http_port, node.missing)
    try:
        await node.run()
    finally:
        await http.cleanup()
        await runtime.close()
        await client.close()


class _Node:
    """The parts of one kubelet, put together."""

    def __init__(self, config: Config, client: Client, runtime: DockerRuntime) -> None:
        self._config, self._client, self._runtime = config, client, runtime
        self._clock: Clock = RealClock()
        self._address, self._port = "", config.port
        self._dns = host_dns()
        self._events = EventRecorder(client, "kubelet", config.node_name)
        self._informer = Informer(client, PODS, fields=f"spec.nodeName={config.node_name}")
        self._sources = PodSources(self._informer, self._clock)
        self._statuses = StatusWriter(client, self._clock, self._sources.shown)
        self._services = Informer(client, SERVICES)
        self._own = Informer(client, NODES, fields=f"metadata.name={config.node_name}")
        self._pulled = PulledImages(config.state_dir)
        self._agent = NodeAgent(
            client, runtime, self._events, self._clock, spec=self._node_spec, pressure=lambda: self._work.pressure
        )
        self._own.on_change(self._agent.heard)
        self._streams = DockerStreams(runtime, self._pod_status)
        self._handlers = Handlers(StreamExecutor(self._streams), self._clock)
        self._kubelet = self._make_kubelet()
        self._kubelet.on_engine_trouble = self._agent.wake
        self._work = self._make_node_work()

    def missing(self) -> str:
        """What `/readyz` waits for."""
        if self._work.has_shut_down:
            return SHUT_DOWN
        if self._agent.engine_error:
            return self._agent.engine_error
        if not self._informer.is_synced:
            return "the pods of this node are not known yet"
        return "" if self._agent.is_registered else "the node is not registered yet"

    async def run(self) -> None:
        parts = (
            self._events.run,
            self._statuses.run,
            self._follow_pods,
            self._services.run,
            self._own.run,
            self._agent.run,
            self._work.run,
            self._run_pods,
        )
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part())

    async def _run_pods(self) -> None:
        own = await self._node_address()
        address = own if _is_here(own) else LOOPBACK
        streams = MirroredStreams(self._streams, self._sources.static_uid)
        server, self._port = await serve(
            streams, address, self._config.port, self._config.tls, Stats(self._runtime.usage, self._clock)
        )
        self._address = address
        self._agent.wake()
        try:
            await self._kubelet.run()
        finally:
            await server.stop(0.5)

    async def _follow_pods(self) -> None:
        """Those of the API are told of their services; static pods wait for nobody."""
        await self._services.synced()
        await self._informer.run()

    async def _node_address(self) -> str:
        """The node's own; waits for the engine, which tells what network there is."""
        while True:
            try:
                return await self._runtime.node_ip()
            except (RuntimeUnavailable, NetworkError) as error:
                log.warning("waiting for the engine node=%s error=%s", self._config.node_name, error)
                await self._clock.sleep(ENGINE_RETRY_SECONDS)

    def _make_kubelet(self) -> Kubelet:
        objects = Objects(self._client, self._clock)
        roots = DockerImageRoots(self._runtime.connection, self._runtime.owner)
        volumes = Volumes(self._config.state_dir / "pods", objects, roots)
        handlers = self._handlers
        starts = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        at_once = self._config.configuration.image_pulls
        puller = ImagePuller(self._runtime.images, objects, self._pulled, self._clock, at_once)
        launcher = Launcher(
            self._runtime,
            objects,
            volumes,
            self._clock,
            puller=puller,
            handlers=handlers,
            starts=starts,
            node=self._facts,
            services=self._all_services,
        )
        tools = Tools(
            runtime=self._runtime,
            client=self._client,
            clock=self._clock,
            events=self._events,
            statuses=self._statuses,
            volumes=volumes,
            launcher=launcher,
            handlers=handlers,
            starts=starts,
            node=self._facts,
            admitted=self._admitted,
            preempt=self._preempt,
        )
        kubelet = Kubelet(self._sources, tools)
        objects.followed.on_change = kubelet.sources_changed
        return kubelet

    def _make_node_work(self) -> NodeWork:
        return NodeWork(
            self._config.configuration,
            self._config.node_name,
            self._config.state_dir,
            self._clock,
            client=self._client,
            events=self._events,
            agent=self._agent,
            sources=self._sources,
            kubelet=self._kubelet,
            runtime=self._runtime,
            pulled=self._pulled,
        )

    def _preempt(self, uid: str) -> None:
        self._kubelet.preempt(uid)

    def _admitted(self) -> Sequence[Any]:
        return self._kubelet.admitted()

    def _all_services(self) -> Sequence[Any]:
        """With the API server's, where pods reach this machine."""
        reached = self._config.pod_api and self._address not in ("", LOOPBACK)
        return [*self._services.values(), *([api_service(self._config.pod_api)] if reached else ())]

    async def _pod_status(self, target: Target) -> Mapping[str, Any] | None:
        return self._kubelet.status(target.namespace, target.pod)

    def _facts(self) -> NodeFacts:
        engine = self._agent.engine
        return NodeFacts(
            node_name=self._config.node_name,
            host_ips=[self._address] if self._address else [],
            host_dns=self._dns,
            cluster_dns=self._config.cluster_dns,
            cluster_domain=self._config.cluster_domain,
            memory_bytes=engine.memory_bytes if engine else 0,
            allocatable=allocatable(engine, self._config.configuration) if engine else {},
            engine=engine,
            labels=self._agent.labels,
            taints=self._agent.ending_taints,
            pressure=self._work.pressure,
            shutting_down=bool(self._agent.shutting_down),
            seccomp_default=self._config.configuration.seccomp_default,
            allowed_sysctls=self._config.configuration.allowed_unsafe_sysctls,
        )

    def _node_spec(self) -> NodeSpec:
        return NodeSpec(
            name=self._config.node_name,
            address=self._address,
            port=self._port,
            pod_cidr=self._config.pod_cidr,
            boot_id=_read("/proc/sys/kernel/random/boot_id"),
            system_uuid=_read("/sys/class/dmi/id/product_uuid"),
            labels=self._config.labels,
            configuration=self._config.configuration,
        )


def _is_here(address: str) -> bool:
    """Whether this machine has the address: on Docker Desktop the engine's network is elsewhere."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
