"""The ports of the node that a pod's containers ask for: the scheduler and the kubelet judge them by one rule. Pure."""

from typing import Any, NamedTuple

ANY = "0.0.0.0"


class HostPort(NamedTuple):
    """`ip` of the node, `ANY` is every address of it."""

    protocol: str
    ip: str
    port: int
    container_port: int = 0

    def collides(self, other: "HostPort") -> bool:
        same_ip = self.ip == other.ip or ANY in (self.ip, other.ip)
        return same_ip and (self.protocol, self.port) == (other.protocol, other.port)


def host_ports(pod: Any) -> list[HostPort]:
    """Sidecars included; other init containers open no ports that anybody waits for."""
    containers = [*pod.spec.containers, *(c for c in pod.spec.initContainers or () if c.restartPolicy == "Always")]
    return [
        HostPort(port.protocol or "TCP", port.hostIP or ANY, port.hostPort, port.containerPort)
        for container in containers
        for port in container.ports or ()
        if port.hostPort
    ]
