"""One service in the foreground, for those who watch it, debug it, or run the parts of a cluster one by one."""

import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from podling.cli.refusal import Refusal


def alone(name: str, serve: Callable[..., Awaitable[None]], *arguments: Any, **changes: Any) -> None:
    """Run it until Ctrl-C, with the cluster's state made at the first start. `changes` are fields of the cluster.

    Ports are those in cluster.json, never chosen anew here: the other services have read them too. A cluster that
    begins here keeps its range, and so its ports, to itself while the service runs.
    """
    from msgspec.structs import replace

    from podling import kubeconfig, pki
    from podling.cli import process
    from podling.state import State, StateError, prepare, take_range

    open_until_the_end: list[socket.socket] = []
    try:
        state = State(name)
        with state.locked():
            if not state.exists:
                held = take_range(state)
                prepare(state, held.pod_cidr)
                open_until_the_end.append(held.socket)
            cluster = state.load()
            pki.ensure(state.pki, [node.name for node in cluster.nodes], addresses=[cluster.api_address])
            server = f"https://127.0.0.1:{cluster.ports['apiserver']}"
            kubeconfig.merge(state.kubeconfig, name, server, state.pki)
    except StateError as error:
        raise Refusal(str(error)) from None
    cluster = replace(cluster, **changes)
    print(f"kubeconfig of the administrator: {state.kubeconfig}", file=sys.stderr)
    sys.exit(process.serve(lambda: serve(state, cluster, *arguments)))
