"""The services of a cluster, in the order in which they start; they stop by stages, the last stage first.

Each is one module here with `async def serve(state, cluster, …)`, which composes the service's `Config` and `run`.
Nothing heavy is imported before a service is asked for.
"""

import importlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from podling.state import Cluster, State

HEAVY = (  # what most services share: the supervisor imports it once and forks (docs/decisions/0003-fork-server.md)
    "asyncio",
    "ssl",
    "uvloop",
    "msgspec",
    "lightkube.models.core_v1",
    "grpc.aio",
    "grpc_health.v1.health_pb2_grpc",
    "grpc_reflection.v1alpha.reflection",
    "aiohttp.web",
    "prometheus_client",
    "jwt",
    "cryptography.x509",
    "podling.client.grpc",
    "podling.loop.service",
)


class Service(NamedTuple):
    """`ready` is the address of its /readyz; `node` is set for kubelets."""

    name: str
    module: str
    ready: str
    stage: int
    node: str = ""

    def serve(self, state: State, cluster: Cluster) -> Awaitable[None]:
        function: Callable[..., Awaitable[None]] = importlib.import_module(self.module).serve
        return function(state, cluster, self.node) if self.node else function(state, cluster)


def services(cluster: Cluster) -> list[Service]:
    ports, at = cluster.ports, "http://127.0.0.1"
    return [
        Service("apiserver", "podling.cli.apiserver", f"https://127.0.0.1:{ports['apiserver']}", 1),
        Service("controllers", "podling.cli.controllers", f"{at}:{ports['controllers-http']}", 2),
        Service("scheduler", "podling.cli.scheduler", f"{at}:{ports['scheduler-http']}", 2),
        *(
            Service(f"kubelet-{node.name}", "podling.cli.kubelet", f"{at}:{node.http_port}", 2, node.name)
            for node in cluster.nodes
        ),
    ]
