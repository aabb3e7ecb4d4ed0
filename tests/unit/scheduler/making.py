"""Nodes and pods for tests of decisions, and a cluster of them."""

from collections.abc import Iterable
from typing import Any

from podling.client.codec import typed
from podling.client.resource import NODES, PODS
from scheduler.cycle import Placement, place
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

HOSTNAME = "kubernetes.io/hostname"


def node(
    name: str,
    *,
    labels: dict[str, str] | None = None,
    cpu: str = "2",
    pods: str = "110",
    images: Any = None,
    **spec: Any,
) -> NodeInfo:
    allocatable = {"cpu": cpu, "memory": "4Gi", "pods": pods, "ephemeral-storage": "10Gi"}
    status = {"allocatable": allocatable, "images": images}
    metadata = {"name": name, "labels": {HOSTNAME: name, **(labels or {})}}
    return NodeInfo(typed({"metadata": metadata, "spec": spec, "status": status}, NODES.type))


def pod(
    name: str = "a",
    *,
    cpu: str = "",
    labels: dict[str, str] | None = None,
    namespace: str = "default",
    ports: Any = None,
    metadata: Any = None,
    status: Any = None,
    image: str = "busybox",
    **spec: Any,
) -> PodInfo:
    requests = {"cpu": cpu} if cpu else {}
    container = {"name": "c", "image": image, "ports": ports or [], "resources": {"requests": requests}}
    about = {"name": name, "namespace": namespace, "uid": name, "labels": labels, **(metadata or {})}
    data = {"metadata": about, "spec": {"containers": [container], **spec}, "status": status or {}}
    return PodInfo(typed(data, PODS.type))


def cluster(nodes: Iterable[NodeInfo], **placed: Iterable[PodInfo]) -> Snapshot:
    """`placed`: pods by the name of their node."""
    snapshot = Snapshot({node.name: node for node in nodes})
    for name, pods in placed.items():
        for each in pods:
            snapshot.add(each, snapshot.nodes[name])
    return snapshot


def put(snapshot: Snapshot, wanted: PodInfo) -> str:
    """Place it and count it there; the node's name, or the refusal."""
    placement = place(wanted, snapshot)
    if placement.node:
        snapshot.add(wanted, snapshot.nodes[placement.node])
    return placement.node or placement.message


def on(nodes: Iterable[NodeInfo], wanted: PodInfo) -> Placement:
    return place(wanted, cluster(nodes))


def selector(**labels: str) -> dict[str, Any]:
    return {"matchLabels": labels}


def near(key: str = HOSTNAME, *, far: bool = False, weight: int = 0, **term: Any) -> dict[str, Any]:
    """An `affinity` of one term over pods, required, or preferred with `weight`."""
    body = {"topologyKey": key, **term}
    kind = "podAntiAffinity" if far else "podAffinity"
    if weight:
        return {
            kind: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": body}]}
        }
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [body]}}


def spread(key: str = HOSTNAME, *, hard: bool = True, skew: int = 1, **more: Any) -> list[dict[str, Any]]:
    when = "DoNotSchedule" if hard else "ScheduleAnyway"
    return [{"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": when, **more}]
