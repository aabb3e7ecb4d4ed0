"""The ranges that pods' addresses come from: a /16 for a cluster, a /24 of it for each node.

Two running clusters must not share one, whoever started them and wherever their state is. A supervisor therefore holds
a claim while it lives: an abstract Unix socket named after the range, which is as wide as the network that it is
about (one network namespace), needs no file and goes with the process.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

POD_RANGES = [f"10.{second}.0.0/16" for second in (*range(244, 255), *range(128, 244))]


class RangeTaken(Exception):
    """Somebody else has the range, or has all of them."""


class Claim(NamedTuple):
    """Held until the socket, and every copy that a child process inherited, is closed."""

    pod_cidr: str
    socket: socket.socket


def claim(pod_cidr: str) -> Claim:
    """Errors: `RangeTaken`."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        held.bind(f"\0podling/pods/{pod_cidr}")
    except OSError as error:
        held.close()
        raise RangeTaken(f"the pods' range {pod_cidr} is in use by another cluster on this machine") from error
    return Claim(pod_cidr, held)


def take(kept: str | None, avoid: Iterable[str], routes: Iterable[str] | None = None) -> Claim:
    """The range kept from the last start, unless another cluster has it now; else the first that is free.

    Free: no cluster of `avoid` has it or another claims it, and no route of this machine leads into it.
    """
    if kept:
        with contextlib.suppress(RangeTaken):
            return claim(kept)
    busy = [ipaddress.ip_network(cidr) for cidr in (*avoid, *(host_routes() if routes is None else routes))]
    for candidate in POD_RANGES:
        if not any(ipaddress.ip_network(candidate).overlaps(network) for network in busy):
            with contextlib.suppress(RangeTaken):
                return claim(candidate)
    raise RangeTaken("no /16 of 10.0.0.0/8 is free for pods")


def node_cidr(pod_cidr: str, index: int) -> str:
    """The n-th /24 of the cluster's range: "10.244.0.0/24" is node 0's."""
    first = int(ipaddress.ip_network(pod_cidr).network_address)
    return f"{ipaddress.ip_address(first + (index << 8))}/24"


def api_address(pod_cidr: str) -> str:
    """Where pods reach the API server: the last address of the cluster's range, "10.244.255.254".

    Kept as long as the range, the same for every node, of no node's own range, and the gateway where pods run on a
    Docker network (kubelet.network.dockernet).
    """
    return str(ipaddress.ip_network(pod_cidr)[-2])


def host_routes() -> list[str]:
    """The networks that this machine routes, but for the default route. Source: /proc/net/route, little endian hex."""
    try:
        rows = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    except OSError:
        return []
    found = []
    for row in rows:
        address = ipaddress.ip_address(int.from_bytes(bytes.fromhex(row[1]), "little"))
        mask = ipaddress.ip_address(int.from_bytes(bytes.fromhex(row[7]), "little"))
        if int(mask):
            found.append(str(ipaddress.ip_network(f"{address}/{mask}", strict=False)))
    return found
