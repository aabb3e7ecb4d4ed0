"""`podling controllers`."""

from typing import TYPE_CHECKING

from podling.cli.alone import alone
from podling.cli.options import DEFAULT_NAME, Name

if TYPE_CHECKING:
    from controllers.service import Config
    from podling.state import Cluster, State


def controllers(name: Name = DEFAULT_NAME) -> None:
    """The controllers alone, in the foreground."""
    alone(name, serve)


def config(state: "State", cluster: "Cluster") -> "Config":
    from controllers.service import Config
    from podling.loop.service import Tls

    return Config(
        apiserver=f"127.0.0.1:{cluster.ports['apiserver-grpc']}",
        tls=Tls(state.pki / "ca.crt", state.pki / "controllers.crt", state.pki / "controllers.key"),
        pki=state.pki,
        grpc_port=cluster.ports["controllers-grpc"],
        http_port=cluster.ports["controllers-http"],
    )


async def serve(state: "State", cluster: "Cluster") -> None:
    """Until cancelled."""
    from controllers import service

    await service.run(config(state, cluster))
