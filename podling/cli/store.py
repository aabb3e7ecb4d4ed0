"""`podling store`: etcd's API over the cluster's store, without an API server."""

from typing import TYPE_CHECKING

from podling.cli.alone import alone
from podling.cli.options import DEFAULT_NAME, Name

if TYPE_CHECKING:
    from podling.state import Cluster, State
    from store.service import Config


def store(name: Name = DEFAULT_NAME) -> None:
    """The store alone, in the foreground; `podling apiserver --etcd-servers https://127.0.0.1:<port>` dials it."""
    alone(name, serve)


def config(state: "State", cluster: "Cluster") -> "Config":
    """TLS under an authority of its own, as in Kubernetes: who may write keys may do anything, so a node may not."""
    from podling.loop.service import Tls
    from store.service import Config

    return Config(
        data=state.store,
        listen=f"127.0.0.1:{cluster.ports['etcd']}",
        tls=Tls(state.pki / "etcd-ca.crt", state.pki / "etcd-server.crt", state.pki / "etcd-server.key"),
        http=f"127.0.0.1:{cluster.ports['store-http']}",
    )


async def serve(state: "State", cluster: "Cluster") -> None:
    """Until cancelled."""
    from store import service

    await service.run(config(state, cluster))
