"""A cordoned node takes only pods that tolerate it."""

from lightkube.models.core_v1 import Taint

from scheduler.plugins.plugin import Check, Plain, Refusal
from scheduler.plugins.taint_toleration import is_tolerated
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

CORDONED = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
REFUSED = Refusal(["node(s) were unschedulable"], final=True)


def prepare(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    def refuse(node: NodeInfo) -> Refusal | None:
        return REFUSED if node.unschedulable else None

    return None if is_tolerated(pod, CORDONED) else Plain(refuse)
