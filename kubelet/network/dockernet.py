"""Pods on one Docker network, for whoever is not root or not on the engine's machine (Docker Desktop).

The nodes of the cluster share the network; each gives its pods addresses of its own range. The engine connects a pause
as it starts it, so there is nothing to attach, and what it keeps for a container goes with the container. It costs: a
start takes 1.3 times as long, resolv.conf is the engine's where we bind none, and services need the engine's bridge
filter. Sysctls of the network are the engine's to set.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from kubelet.network.network import NetworkSpec
from podling.api.host_ports import HostPort
from podling.podrange import api_address


class Networks(Protocol):
    """The engine's networks, as far as needed: blocking."""

    def ensure(self, name: str, pod_range: str, gateway: str, labels: Mapping[str, str]) -> str:
        """The gateway's address of the network of this name, made if it is not there."""


def network_name(cluster: str) -> str:
    return f"podling-{cluster}"


class DockerNetwork:
    """`node_ip` is the network's gateway, which is the engine's machine; pods reach their kubelet there."""

    def __init__(self, spec: NetworkSpec, networks: Networks) -> None:
        self.spec, self._networks = spec, networks
        self.mode = network_name(spec.cluster)
        self.node_ip = api_address(str(spec.pod_range))  # of no node's own range; the API server listens there too

    def start(self) -> None:
        labels = {"podling.cluster": self.spec.cluster}
        self.node_ip = self._networks.ensure(self.mode, str(self.spec.pod_range), self.node_ip, labels)

    def unshare_refused(self) -> None:
        """No pause of this network unshares."""

    def attach(self, ip: str, pid: int, sysctls: Mapping[str, str]) -> None:
        """The engine has done it."""

    def attached(self, ip: str, pid: int) -> bool:
        return True

    def publish(self, ports: Mapping[str, Sequence[HostPort]]) -> None:
        """The engine has done it, as it started the pause."""

    def check_ports(self, ports: Sequence[HostPort]) -> None:
        """The engine does it."""

    def detach(self, ip: str) -> None:
        """The engine does it."""

    def prune(self, keep: Collection[str]) -> Sequence[str]:
        return ()
