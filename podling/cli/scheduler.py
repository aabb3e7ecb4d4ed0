"""`podling scheduler`."""

from typing import TYPE_CHECKING

from podling.cli.alone import alone
from podling.cli.options import DEFAULT_NAME, Name

if TYPE_CHECKING:
    from podling.state import Cluster, State
    from scheduler.service import Config


def scheduler(name: Name = DEFAULT_NAME) -> None:
    """The scheduler alone, in the foreground."""
    alone(name, serve)


def config(state: "State", cluster: "Cluster") -> "Config":
    from podling.loop.service import Tls
    from scheduler.service import Config

    return Config(
        apiserver=f"127.0.0.1:{cluster.ports['apiserver-grpc']}",
        tls=Tls(state.pki / "ca.crt", state.pki / "scheduler.crt", state.pki / "scheduler.key"),
        grpc_port=cluster.ports["scheduler-grpc"],
        http_port=cluster.ports["scheduler-http"],
    )


async def serve(state: "State", cluster: "Cluster") -> None:
    """Until cancelled."""
    from scheduler import service

    await service.run(config(state, cluster))
