"""How the sandboxes of one node are connected: the seam between the runtime and the network.

    PointToPoint    as root beside the engine: the pause starts without a network and gets a veth of ours
    DockerNetwork   otherwise: the pause starts on one Docker network, which the cluster's nodes share

The nodes of one engine share the machine's root network namespace. Each has a range of pod addresses (10.244.<n>.0/24).
The node's own address, which the Node object shows as InternalIP and where its kubelet listens, is the first of the
range with PointToPoint: it sits on a bridge without ports, and is the gateway of the node's pods as well. With
DockerNetwork every node has the network's gateway for its address, and only the kubelets' ports tell them apart.

Every method blocks; the runtime calls them from threads. Errors: NetworkError, whose message a pod's event shows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Protocol

from podling.api.host_ports import HostPort


class NetworkError(Exception):
    """The pod cannot be connected; says why."""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """`pod_range` holds the ranges of all nodes of the cluster, `node_range` this node's."""

    cluster: str
    node: str
    pod_range: IPv4Network
    node_range: IPv4Network


class PodNetwork(Protocol):
    @property
    def node_ip(self) -> str: ...

    @property
    def mode(self) -> str:
        """The pause's network mode on the engine: "none", "host" (it leaves the host's namespace first), or a name."""

    def start(self) -> None:
        """The node's own address, forwarding and packet filter; whatever is there already is well."""

    def unshare_refused(self) -> None:
        """The pause could not leave the host's namespace; `mode` is another from now on."""

    def attach(self, ip: str, pid: int, sysctls: Mapping[str, str]) -> None:
        """Connect the namespace of the pause; called again it mends what is missing."""

    def attached(self, ip: str, pid: int) -> bool:
        """Whether the namespace of the pause is connected under this address."""

    def publish(self, ports: Mapping[str, Sequence[HostPort]]) -> None:
        """Ports of the node lead to these pods' addresses, and no others do. What a mapping names must be attached."""

    def check_ports(self, ports: Sequence[HostPort]) -> None:
        """That nobody else has them; says who in a NetworkError."""

    def detach(self, ip: str) -> None: ...

    def prune(self, keep: Collection[str]) -> Sequence[str]:
        """Disconnect this node's addresses that nobody keeps; what was removed."""
