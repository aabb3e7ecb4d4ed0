"""A pod that names its node in the spec goes nowhere else."""

from scheduler.plugins.plugin import Check, Plain, Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

REFUSED = Refusal(["node(s) didn't match the requested node name"], final=True)


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    wanted = pod.pod.spec.nodeName

    def refuse(node: NodeInfo) -> Refusal | None:
        return None if node.name == wanted else REFUSED

    return Plain(refuse) if wanted else None
