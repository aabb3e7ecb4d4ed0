"""`podling kubelet`."""

from typing import TYPE_CHECKING, Annotated

import typer

from podling.cli.alone import alone
from podling.cli.options import DEFAULT_NAME, Name
from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from kubelet.service import Config
    from podling.state import Cluster, State


def kubelet(
    name: Name = DEFAULT_NAME, node: Annotated[str, typer.Option(help="Which node of the cluster.")] = "n1"
) -> None:
    """One node's kubelet alone, in the foreground."""
    from podling.cli import engine

    engine.find_or_start(print)
    alone(name, serve, node)


def config(state: "State", cluster: "Cluster", node: str) -> "Config":
    from kubelet.service import Config
    from podling.cli import kubelet_config
    from podling.loop.service import Tls

    wanted = next((one for one in cluster.nodes if one.name == node), None)
    if wanted is None:
        names = ", ".join(one.name for one in cluster.nodes)
        raise Refusal(f"cluster {cluster.name} has no node {node}, but {names}")
    return Config(
        cluster=cluster.name,
        node_name=node,
        state_dir=state.kubelet(node),
        apiserver=f"127.0.0.1:{cluster.ports['apiserver-grpc']}",
        tls=Tls(state.pki / "ca.crt", state.pki / f"node-{node}.crt", state.pki / f"node-{node}.key"),
        pod_cidr=wanted.pod_cidr,
        cluster_cidr=cluster.pod_cidr,
        pod_api=f"{cluster.api_address}:{cluster.ports['apiserver']}",
        port=wanted.grpc_port,
        http_port=wanted.http_port,
        configuration=kubelet_config.read(state, node),
    )


async def serve(state: "State", cluster: "Cluster", node: str) -> None:
    """Until cancelled."""
    from kubelet import service

    await service.run(config(state, cluster, node))
