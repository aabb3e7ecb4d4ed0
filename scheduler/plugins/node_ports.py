"""A port of the node is given once for each address and protocol."""

from scheduler.plugins.plugin import Check, Plain, Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

REFUSED = Refusal(["node(s) didn't have free ports for the requested pod ports"])


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    wanted = pod.host_ports

    def refuse(node: NodeInfo) -> Refusal | None:
        return REFUSED if any(port.collides(taken) for taken in node.ports for port in wanted) else None

    return Plain(refuse) if wanted else None
