"""Devices claimed by pods. podling has none to give: a pod that claims one waits, and is told."""

from scheduler.plugins.plugin import Refusal
from scheduler.pod_info import PodInfo
from scheduler.snapshot import Snapshot

REFUSED = Refusal(["podling has no dynamic resource allocation for spec.resourceClaims"], final=True)


def prepare(pod: PodInfo, snapshot: Snapshot) -> Refusal | None:
    return REFUSED if pod.pod.spec.resourceClaims else None
