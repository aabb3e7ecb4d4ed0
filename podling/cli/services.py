"""The services of a cluster, in the order in which they start; they stop by stages, the last stage first.

Each is one module here with `async def serve(state, cluster, …)`, which composes `Config` and `run` of the package of
the same name. Nothing heavy is imported before it is loaded or served (docs/decisions/0003-fork-server.md).
"""

import importlib
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from podling.state import Cluster, State

API_SERVER = (
    "uvloop",
    "podling.cli.apiserver",
    "apiserver.service",
    "podling.cli.store",
    "store.service",
    "store.local",
)
ITS_CLIENTS = ("podling.client.grpc",)  # with the models of the kinds

API_WAIT_SECONDS = 5.0
API_POLL_SECONDS = 0.01


class Service(NamedTuple):
    """`module` is its name here and among the packages; `ready` the address of its /readyz; `node` is for kubelets."""

    name: str
    module: str
    ready: str
    stage: int
    node: str = ""

    async def serve(self, state: State, cluster: Cluster) -> None:
        """Until cancelled."""
        function: Callable[..., Awaitable[None]] = importlib.import_module(f"podling.cli.{self.module}").serve
        importlib.import_module(f"{self.module}.service")
        if self.stage > 1:
            await api_listens(cluster.ports["apiserver-grpc"])
        await (function(state, cluster, self.node) if self.node else function(state, cluster))


def load(names: Iterable[str]) -> None:
    """What is loaded here starts no thread and opens nothing: the supervisor loads it, and forks."""
    for name in names:
        importlib.import_module(name)


async def api_listens(port: int) -> None:
    """Wait for the API server at start-up, for a few seconds: a first call that fails costs its caller a retry's pause.

    Every service copes with an API server that is away; this only makes `podling up` quicker and its logs quieter.
    """
    import asyncio

    deadline = asyncio.get_running_loop().time() + API_WAIT_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(API_POLL_SECONDS)
        else:
            writer.close()
            return


def services(cluster: Cluster) -> list[Service]:
    ports, at = cluster.ports, "http://127.0.0.1"
    return [
        Service("apiserver", "apiserver", f"https://127.0.0.1:{ports['apiserver']}", 1),
        Service("controllers", "controllers", f"{at}:{ports['controllers-http']}", 2),
        Service("scheduler", "scheduler", f"{at}:{ports['scheduler-http']}", 2),
        *(Service(f"kubelet-{node.name}", "kubelet", f"{at}:{node.http_port}", 2, node.name) for node in cluster.nodes),
    ]
