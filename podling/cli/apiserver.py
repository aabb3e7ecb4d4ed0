"""`podling apiserver`: the API server over its own store, or over an etcd elsewhere."""

from typing import TYPE_CHECKING, Annotated

import typer

from podling.cli.alone import alone
from podling.cli.apiserver_config import AuditLog, AuditPolicy, Encryption, fields, keep
from podling.cli.options import DEFAULT_NAME, EtcdServers, Name, addresses

if TYPE_CHECKING:
    from apiserver.config import Config
    from podling.loop.service import Tls
    from podling.state import Cluster, State


AllowPrivileged = Annotated[bool, typer.Option("--allow-privileged", help="Pods may ask for privileged containers.")]
CompactionInterval = Annotated[
    float,
    typer.Option("--etcd-compaction-interval", help="Seconds until old revisions are forgotten; 0: they never are."),
]


def apiserver(
    name: Name = DEFAULT_NAME,
    etcd_servers: EtcdServers = None,
    allow_privileged: AllowPrivileged = False,
    etcd_compaction_interval: CompactionInterval = 300.0,
    *,
    audit_policy_file: AuditPolicy = None,
    audit_log_path: AuditLog = None,
    encryption_provider_config: Encryption = None,
) -> None:
    """The API server alone, in the foreground."""
    from podling.state import State

    given = addresses(etcd_servers)
    keep(State(name), audit_policy_file, audit_log_path, encryption_provider_config)
    alone(
        name,
        serve,
        allow_privileged,
        False,
        etcd_compaction_interval,
        **({} if given is None else {"etcd_servers": given}),
    )


def config(
    state: "State", cluster: "Cluster", allow_privileged: bool, with_nodes: bool, compaction_seconds: float
) -> "Config":
    from apiserver.config import Config

    return Config(
        port=cluster.ports["apiserver"],
        grpc_port=cluster.ports["apiserver-grpc"],
        tls_cert=state.pki / "apiserver.crt",
        tls_key=state.pki / "apiserver.key",
        client_ca=state.pki / "ca.crt",
        sa_key=state.pki / "sa.key",
        sa_pub=state.pki / "sa.pub",
        pod_address=cluster.api_address,
        pod_cidr=cluster.pod_cidr,
        kubelet_client_cert=state.pki / "apiserver-kubelet-client.crt",
        kubelet_client_key=state.pki / "apiserver-kubelet-client.key",
        token_file=state.pki / "tokens.csv",
        **fields(state),
        proxy_client_cert=state.pki / "front-proxy-client.crt",
        proxy_client_key=state.pki / "front-proxy-client.key",
        requestheader_client_ca=state.pki / "front-proxy-ca.crt",
        allow_privileged=allow_privileged,
        warn_unsupported=with_nodes,
        resource_metrics=with_nodes,
        policy_status=with_nodes,
        compaction_seconds=compaction_seconds,
        components={
            "controller-manager": f"http://127.0.0.1:{cluster.ports['controllers-http']}/healthz",
            "scheduler": f"http://127.0.0.1:{cluster.ports['scheduler-http']}/healthz",
        },
    )


def etcd_client(state: "State", cluster: "Cluster") -> "Tls | None":
    """Plain for `http://`. For `https://` pki/etcd-ca.crt, etcd-client.crt and .key, which `podling store` trusts; put
    another etcd's there for it."""
    from podling.loop.service import Tls

    if not any(url.startswith("https://") for url in cluster.etcd_servers):
        return None
    return Tls(state.pki / "etcd-ca.crt", state.pki / "etcd-client.crt", state.pki / "etcd-client.key")


async def serve(
    state: "State",
    cluster: "Cluster",
    allow_privileged: bool = True,
    with_nodes: bool = True,
    compaction_seconds: float = 300.0,
) -> None:
    """Until cancelled. With a store of our own, its etcd API is served too. Alone it answers as kube-apiserver does,
    privileged containers refused unless told otherwise. The clusters of `podling up` take those, as kubeadm's do, and
    `with_nodes` of podling speak of what these can do."""
    from apiserver import service

    if cluster.etcd_servers:
        from podling.client.etcd import EtcdStorage

        remote = EtcdStorage(cluster.etcd_servers, etcd_client(state, cluster))
        try:
            await service.run(config(state, cluster, allow_privileged, with_nodes, compaction_seconds), remote)
        finally:
            await remote.close()
        return
    from podling.cli.store import config as store_config
    from store import service as store_service
    from store.local import LocalStorage

    storage = await LocalStorage.open(state.store)
    try:
        etcd = await store_service.serve(storage.engine, store_config(state, cluster))
        try:
            await service.run(config(state, cluster, allow_privileged, with_nodes, compaction_seconds), storage)
        finally:
            await etcd.stop()
    finally:
        await storage.close()
