"""Ports of the node that lead to pods: one nftables table a node, replaced as a whole whenever the pods change.

    wanted                               where it is caught                         what becomes of it
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
    hostPort with hostIP                 that address and port          (exact)     to the pod's address and port
    hostPort                             the node's own address         (exact)     to the pod
    hostPort                             any other address of the host  (any)       to the pod
    from the host to 127.0.0.1           as above, on the way out                   to the pod, from the node's address
    from the pod to its own port         as above                                   to itself, from the node's address

Nothing of ours has to run for it: connections go on while the kubelet is away. A packet to 127.0.0.1 may only leave the
host where the device allows it (route_localnet, set on the pod's veth), so what comes from a pod for 127.0.0.0/8 is
dropped. Own addresses of other nodes of the cluster lie in the pods' range: `any` leaves them to their own table.
docs/decisions/0012-host-ports.md says why nftables and no forwarder.
"""

import logging
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kubelet.network.network import NetworkError
from podling.api.host_ports import ANY, HostPort

log = logging.getLogger(__name__)
FIRST, LAST = -190, -110  # priorities of the nodes' tables: after the kernel's conntrack (-200), before dstnat (-100)
AFTER = 90  # before Docker's masquerading
GUARD = -300
SOCKETS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}


class Node(NamedTuple):
    """`device_prefix` begins the names of the pods' devices on the host. `order` is the node's place in the cluster."""

    cluster: str
    name: str
    ip: str
    pod_range: str
    device_prefix: str
    order: int = 0

    @property
    def priority(self) -> int:
        """Of two nodes that want one port of 127.0.0.1, the first gets it."""
        return min(FIRST + self.order, LAST)


def table_name(cluster: str, node: str = "") -> str:
    """Without a node the beginning that the tables of all nodes share."""
    return f"podling_{cluster}_{node}"


def ruleset(node: Node, ports: Mapping[str, Sequence[HostPort]]) -> str:
    """For `nft -f -`: the table as it is to be, whatever it was; `ports` by the pod's address. Pure."""
    name = table_name(node.cluster, node.name)
    emptied = f"table ip {name}\ndelete table ip {name}\n"
    exact, anywhere = dict(_exact(node, ports)), dict(_anywhere(ports))
    if not exact:
        return emptied
    hairpin = [f"{ip} . {ip}" for ip, given in sorted(ports.items()) if given]
    return f"""{emptied}table ip {name} {{
  map exact {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; {_elements(exact)} }}
  map anywhere {{ type inet_proto . inet_service : ipv4_addr . inet_service; {_elements(anywhere)} }}
  set hairpin {{ type ipv4_addr . ipv4_addr; elements = {{ {", ".join(hairpin)} }} }}
  chain ports {{
    dnat ip to ip daddr . meta l4proto . th dport map @exact
    fib daddr type local ip daddr != {node.pod_range} dnat ip to meta l4proto . th dport map @anywhere
  }}
  chain incoming {{ type nat hook prerouting priority {node.priority}; jump ports; }}
  chain own {{ type nat hook output priority {node.priority}; jump ports; }}
  chain back {{ type nat hook postrouting priority {AFTER};
    oifname "{node.device_prefix}*" ip saddr 127.0.0.0/8 masquerade
    ct status dnat ip saddr . ip daddr @hairpin masquerade
  }}
  chain guard {{ type filter hook prerouting priority {GUARD};
    iifname "{node.device_prefix}*" ip daddr 127.0.0.0/8 drop
  }}
}}
"""


def moved_datagrams(before: Mapping[str, Sequence[HostPort]], after: Mapping[str, Sequence[HostPort]]) -> set[int]:
    """Ports that lead somewhere else than before. Pure."""
    old, new = ({(ip, port) for ip, port in _each(ports) if port.protocol == "UDP"} for ports in (before, after))
    return {port.port for _, port in old ^ new}


def _exact(node: Node, ports: Mapping[str, Sequence[HostPort]]) -> Iterator[tuple[str, str]]:
    for ip, port in _each(ports):
        address = node.ip if port.ip == ANY else port.ip
        yield f"{address} . {port.protocol.lower()} . {port.port}", f"{ip} . {port.container_port}"


def _anywhere(ports: Mapping[str, Sequence[HostPort]]) -> Iterator[tuple[str, str]]:
    for ip, port in _each(ports):
        if port.ip == ANY:
            yield f"{port.protocol.lower()} . {port.port}", f"{ip} . {port.container_port}"


def _each(ports: Mapping[str, Sequence[HostPort]]) -> Iterator[tuple[str, HostPort]]:
    for ip, given in sorted(ports.items()):
        yield from ((ip, port) for port in given)


def _elements(entries: Mapping[str, str]) -> str:
    listed = ", ".join(f"{key} : {value}" for key, value in entries.items())
    return f"elements = {{ {listed} }};" if listed else ""


def is_possible() -> bool:
    return shutil.which("nft") is not None


def is_there(node: Node) -> bool:
    """Whether the node's table is: others may flush all rules."""
    listed = ["nft", "list", "chain", "ip", table_name(node.cluster, node.name), "ports"]
    return subprocess.run(listed, capture_output=True, check=False).returncode == 0


def apply(text: str) -> None:
    if not is_possible():
        raise NetworkError("a hostPort needs the command nft: install the package nftables")
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(f"nft refuses the node's ports: {done.stderr.strip()}")


def check_free(ports: Sequence[HostPort]) -> None:
    """No program of the host listens there: it would get no more connections. Raises NetworkError."""
    for port in ports:
        if port.protocol not in SOCKETS:
            continue
        with socket.socket(socket.AF_INET, SOCKETS[port.protocol]) as probe:
            try:
                probe.bind((port.ip, port.port))
            except OSError as error:
                where = f"{'' if port.ip == ANY else port.ip}:{port.port}"
                raise NetworkError(
                    f"cannot open hostport {port.port}: listen {port.protocol.lower()}4 {where}: bind: {error.strerror}"
                ) from error


def remove(cluster: str, node: str = "") -> None:
    """Every table of the cluster, or of one of its nodes."""
    if not is_possible():
        return
    listed = subprocess.run(["nft", "list", "tables", "ip"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        name = line.removeprefix("table ip ").strip()
        if name == table_name(cluster, node) or (not node and name.startswith(table_name(cluster))):
            subprocess.run(["nft", "delete", "table", "ip", name], capture_output=True, check=False)
