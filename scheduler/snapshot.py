"""The nodes as the scheduler sees them: each with its pods and what they reserve. Pure; changed by the cache alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from lightkube.models.core_v1 import Node, Pod

from podling.api import resources


class HostPort(NamedTuple):
    protocol: str
    ip: str
    port: int

    def collides(self, other: "HostPort") -> bool:
        """0.0.0.0 is every address."""
        same_ip = self.ip == other.ip or "0.0.0.0" in (self.ip, other.ip)
        return same_ip and (self.protocol, self.port) == (other.protocol, other.port)


# What a container without requests is taken to use when nodes are scored, so that such pods spread too.
# Source: k8s.io/kubernetes/pkg/scheduler/util: DefaultMilliCPURequest, DefaultMemoryRequest.
UNSAID = {resources.CPU: 100, resources.MEMORY: 200 << 20}


@dataclass
class NodeInfo:
    """Amounts as in podling.api.resources. `pods`, by uid, are those bound or assumed to be."""

    node: Node
    pods: dict[str, Pod] = field(default_factory=dict)
    requested: Counter[str] = field(default_factory=Counter)
    assumed_use: Counter[str] = field(default_factory=Counter)
    allocatable: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.renew(self.node)

    def renew(self, node: Node) -> None:
        """The node's own object changed; its pods did not."""
        self.node = node
        self.allocatable = resources.amounts(node.status.allocatable if node.status else None)

    @property
    def name(self) -> str:
        return str(self.node.metadata.name)

    @property
    def labels(self) -> dict[str, str]:
        return self.node.metadata.labels or {}

    def add(self, pod: Pod) -> None:
        if uid_of(pod) not in self.pods:
            self.pods[uid_of(pod)] = pod
            self.requested.update(resources.requests(pod.spec))
            self.assumed_use.update(assumed_use(pod))

    def remove(self, uid: str) -> None:
        pod = self.pods.pop(uid, None)
        if pod:
            self.requested.subtract(resources.requests(pod.spec))
            self.assumed_use.subtract(assumed_use(pod))

    def host_ports(self) -> Iterable[HostPort]:
        for pod in self.pods.values():
            yield from host_ports(pod)


def assumed_use(pod: Pod) -> dict[str, int]:
    requested = resources.requests(pod.spec)
    return {name: requested[name] or unsaid * len(pod.spec.containers) for name, unsaid in UNSAID.items()}


def uid_of(pod: Pod) -> str:
    return str(pod.metadata.uid)


def host_ports(pod: Pod) -> list[HostPort]:
    """The ports of the node that the pod's containers ask for, sidecars included."""
    containers = [*pod.spec.containers, *(c for c in pod.spec.initContainers or () if c.restartPolicy == "Always")]
    return [
        HostPort(port.protocol or "TCP", port.hostIP or "0.0.0.0", port.hostPort)
        for container in containers
        for port in container.ports or ()
        if port.hostPort
    ]
