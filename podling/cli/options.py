"""Options that several commands share."""

import re
from typing import Annotated

import typer

from podling.cli.refusal import Refusal

Name = Annotated[str, typer.Option("--name", envvar="PODLING_NAME", help="Which cluster.")]
EtcdServers = Annotated[
    str | None,
    typer.Option(
        "--etcd-servers",
        metavar="URL[,URL…]",
        help="Keep the objects in a `podling store` or a real etcd there instead of in the API server's own process.",
    ),
]
KubeletConfig = Annotated[
    str | None,
    typer.Option(
        "--kubelet-config",
        metavar="FILE",
        help="A KubeletConfiguration for the nodes: evictions, reservations, static pods, shutdown … It is kept.",
    ),
]
Manifests = Annotated[
    str | None,
    typer.Option("--manifests", metavar="DIR", help="Each node runs the static pods of this directory. It is kept."),
]
DEFAULT_NAME = "c1"
STORE = re.compile(r"(https?://)?(\[[0-9a-fA-F:]+\]|[^\s/:]+):\d{1,5}|unix:\S+")


def addresses(etcd_servers: str | None) -> tuple[str, ...] | None:
    """None where the option was not given; `--etcd-servers ""` goes back to the store of our own. Errors: Refusal."""
    if etcd_servers is None:
        return None
    given = tuple(part.strip() for part in etcd_servers.split(",") if part.strip())
    for each in given:
        if not STORE.fullmatch(each):
            raise Refusal(f"--etcd-servers {each}: an address looks like http://127.0.0.1:2379, or https:// for TLS")
    return given
