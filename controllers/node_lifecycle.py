"""Nodes that fall silent: their conditions become Unknown, and taints keep pods away and drive them out.

    lease renewed within GRACE_SECONDS     the kubelet's own Ready condition stands
    not renewed                            Ready=Unknown, NodeStatusUnknown
    Ready True / False / Unknown           no taint / not-ready / unreachable: NoSchedule, and NoExecute at the pace
                                           that controllers/zones.py allows
    Ready not True                         its pods are not Ready either
    MemoryPressure … True, unschedulable   a NoSchedule taint each
Source: k8s.io/kubernetes/pkg/controller/nodelifecycle.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from controllers import pods_not_ready
from controllers.controller import Context, Source, run
from controllers.zones import NEVER, Pace, every, is_cut_off, zone_of
from podling.api.meta import timestamp
from podling.client.client import STRATEGIC
from podling.client.events import EventRecorder, reference
from podling.client.resource import LEASES, NODES, PODS
from podling.loop.reconcile import After

GRACE_SECONDS = 40.0
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
BY_CONDITION = {  # where it is True
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
SILENT = "Kubelet stopped posting node status."


async def control(context: Context) -> None:
    nodes = context.informers.get(NODES)
    leases = context.informers.get(LEASES)
    pods = context.informers.get(PODS)
    recorder = EventRecorder(context.client, "node-controller", clock=context.clock)
    pace = Pace()

    def of_node(key: str, old: Any, new: Any) -> list[str]:
        """All of them look again when one becomes ill or well: it may be the last one, or the first."""
        changed = (old is not None and ready(old)) != (new is not None and ready(new))
        return [key, *(node.metadata.name for node in nodes.values())] if changed else [key]

    async def reconcile(name: str) -> After | None:
        node = nodes.get(name)
        if node is None:
            return None
        lease = leases.get(f"kube-node-lease/{name}")
        heard = last_heard(node, lease)
        silent = (context.clock.now() - heard).total_seconds()
        if silent >= GRACE_SECONDS and ready(node) != "Unknown":
            recorder.event(
                reference("Node", node.metadata), "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady"
            )
            node = await _mark_unknown(context, node)
        if ready(node) == "Unknown":
            here = [pod for pod in pods.values() if pod.spec.nodeName == name]
            await pods_not_ready.mark(context, recorder, here)
        seconds = await _taint(context, node, _emptied(node, nodes.values(), pace, context.clock.monotonic()))
        return After(min(seconds, max(1.0, GRACE_SECONDS - silent)))

    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run())
        sources = [Source(nodes, of_node), Source(leases, lambda key, old, new: [key.partition("/")[2]])]
        group.create_task(run("node-lifecycle", context.clock, sources, reconcile))


class Emptied(NamedTuple):
    """Whether a node that is not ready is emptied of its pods; None: as it is now, look again in `seconds`."""

    allowed: bool | None
    seconds: float = NEVER


def _emptied(node: Any, nodes: Iterable[Any], pace: Pace, now: float) -> Emptied:
    others = [(other, ready(other) == "True") for other in nodes if other.metadata.name != node.metadata.name]
    found = [*others, (node, ready(node) == "True")]
    if found[-1][1] or is_cut_off(found):
        return Emptied(False)
    if is_emptied(node):
        return Emptied(True)
    seconds = pace.wait(zone_of(node), every(found)[zone_of(node)], now)
    return Emptied(None, seconds) if seconds else Emptied(True)


def is_emptied(node: Any) -> bool:
    taints = (node.spec.taints if node.spec else None) or ()
    return any(taint.effect == "NoExecute" and taint.key in (NOT_READY, UNREACHABLE) for taint in taints)


def last_heard(node: Any, lease: Any) -> datetime:
    """The newest sign of life: the lease's renewal, or before the first one the node's creation."""
    created: datetime = node.metadata.creationTimestamp
    renewed: datetime | None = lease.spec.renewTime if lease is not None and lease.spec else None
    return max(created, renewed) if renewed else created


def ready(node: Any) -> str:
    """The Ready condition's status; Unknown where there is none yet."""
    found = (node.status.conditions if node.status else None) or ()
    return next((str(c.status) for c in found if c.type == "Ready"), "Unknown")


async def _mark_unknown(context: Context, node: Any) -> Any:
    now = timestamp(context.clock.now())
    known = {c.type: c for c in (node.status.conditions if node.status else None) or ()}
    rows = [
        {
            "type": type_,
            "status": "Unknown",
            "reason": "NodeStatusUnknown" if type_ in known else "NodeStatusNeverUpdated",
            "message": SILENT if type_ in known else "Kubelet never posted node status.",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        for type_ in WATCHED
    ]
    patch = {"status": {"conditions": rows}}
    return await context.client.patch(NODES, node.metadata.name, patch, type=STRATEGIC, subresource="status")


def wanted_taints(node: Any, now: str, emptied: bool | None) -> list[dict[str, Any]]:
    """The node's taints as they should be: others' untouched, ours by its conditions."""
    key = {"True": "", "False": NOT_READY}.get(ready(node), UNREACHABLE)
    taints = [taint.to_dict() for taint in (node.spec.taints if node.spec else None) or ()]
    empties = is_emptied(node) if emptied is None else emptied
    effects = ("NoSchedule", "NoExecute") if key and empties else ("NoSchedule",) if key else ()
    ours = (NOT_READY, UNREACHABLE)
    kept = [each for each in taints if each["key"] not in ours or (each["key"] == key and each["effect"] in effects)]
    for effect in effects:
        if not any(taint["key"] == key and taint["effect"] == effect for taint in kept):
            kept.append({"key": key, "effect": effect} | ({"timeAdded": now} if effect == "NoExecute" else {}))
    return _no_schedule(node, kept)


def _no_schedule(node: Any, taints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    conditions = (node.status.conditions if node.status else None) or ()
    due = [BY_CONDITION[each.type] for each in conditions if each.type in BY_CONDITION and each.status == "True"]
    if node.spec and node.spec.unschedulable:
        due.append(UNSCHEDULABLE)
    ours = {UNSCHEDULABLE, *BY_CONDITION.values()}
    kept = [each for each in taints if each["effect"] != "NoSchedule" or each["key"] not in ours or each["key"] in due]
    there = {each["key"] for each in kept if each["effect"] == "NoSchedule"}
    return [*kept, *({"key": key, "effect": "NoSchedule"} for key in due if key not in there)]


async def _taint(context: Context, node: Any, emptied: Emptied) -> float:
    """When to look again."""
    wanted = wanted_taints(node, timestamp(context.clock.now()), emptied.allowed)
    has = [taint.to_dict() for taint in (node.spec.taints if node.spec else None) or ()]
    if wanted != has:
        # A merge patch replaces the whole list; the version makes it fail where somebody else changed it meanwhile.
        metadata = {"resourceVersion": node.metadata.resourceVersion}
        await context.client.patch(
            NODES, node.metadata.name, {"metadata": metadata, "spec": {"taints": wanted or None}}
        )
    return emptied.seconds
