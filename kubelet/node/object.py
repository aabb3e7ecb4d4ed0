"""The Node object, from what the engine tells and what the kubelet was started with. Pure.

Source of labels, conditions and their words: k8s.io/kubernetes/pkg/kubelet/nodestatus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubelet.configuration import DEFAULTS, Configuration
from kubelet.node.allocatable import allocatable, capacity
from kubelet.node.pressure import Pressure
from kubelet.runtime import Engine
from podling.api.meta import micro_timestamp, timestamp
from podling.api.version import OURS

Data = dict[str, Any]
MOST_IMAGES = 50
LEASE_SECONDS = 40


@dataclass(frozen=True)
class NodeSpec:
    """What does not come from the engine. `boot_id` and `system_uuid` are the machine's."""

    name: str
    address: str
    port: int
    pod_cidr: str
    boot_id: str = ""
    system_uuid: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    configuration: Configuration = DEFAULTS


def node_labels(spec: NodeSpec, engine: Engine) -> dict[str, str]:
    return {
        "beta.kubernetes.io/arch": engine.architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": engine.architecture,
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        **dict(spec.labels),
    }


def new_node(spec: NodeSpec, engine: Engine) -> Data:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": spec.name, "labels": node_labels(spec, engine)},
        "spec": {"podCIDR": spec.pod_cidr, "podCIDRs": [spec.pod_cidr]} if spec.pod_cidr else {},
    }


def node_status(spec: NodeSpec, engine: Engine | None, conditions: Sequence[Data]) -> Data:
    """Without an engine, and so without an address, only the conditions are told."""
    if engine is None or not spec.address:
        return {"conditions": conditions}
    return {
        "addresses": [{"type": "InternalIP", "address": spec.address}, {"type": "Hostname", "address": spec.name}],
        "capacity": capacity(engine, spec.configuration),
        "allocatable": allocatable(engine, spec.configuration),
        "conditions": conditions,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": spec.port}},
        "features": {"supplementalGroupsPolicy": True},
        "images": _images(engine),
        "nodeInfo": {
            "architecture": engine.architecture,
            "bootID": spec.boot_id,
            "containerRuntimeVersion": f"docker://{engine.version}",
            "kernelVersion": engine.kernel,
            "kubeProxyVersion": "",
            "kubeletVersion": OURS,
            "machineID": engine.machine_id,
            "operatingSystem": "linux",
            "osImage": engine.os_image,
            "systemUUID": spec.system_uuid or engine.machine_id,
        },
        "runtimeHandlers": _handlers(engine),
    }


def _handlers(engine: Engine) -> Sequence[Data]:
    """What a RuntimeClass may name; "" is the engine's default."""
    features = {"recursiveReadOnlyMounts": engine.recursive_read_only, "userNamespaces": False}
    return [{"name": name, "features": features} for name in ("", *sorted(engine.runtimes))]


def _images(engine: Engine) -> Sequence[Data]:
    largest = sorted((image for image in engine.images if image[0]), key=lambda image: (-image[1], list(image[0])))
    return [{"names": list(names), "sizeBytes": size} for names, size in largest[:MOST_IMAGES]]


def conditions(old: Sequence[Mapping[str, Any]], not_ready: str, pressure: Pressure, now: datetime) -> list[Data]:
    """Those of the kubelet, each with the time since when it holds; those of others stay. `not_ready` says why, "" when
    it is."""
    told = [
        _pressure("MemoryPressure", pressure.memory, "KubeletHas{}Memory", "memory available"),
        _pressure("DiskPressure", pressure.disk, "KubeletHas{}Disk", "disk space"),
        _pressure("PIDPressure", pressure.pid, "KubeletHas{}PID", "PID available"),
        _ready(not_ready),
    ]
    before = {each["type"]: each for each in old}
    found = []
    for type_, status, reason, message in told:
        was = before.pop(type_, None)
        turned = was is None or was.get("status") != status
        since = timestamp(now) if turned or was is None else was.get("lastTransitionTime")
        found.append(
            {
                "type": type_,
                "status": status,
                "lastHeartbeatTime": timestamp(now),
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }
        )
    return [*(dict(each) for each in before.values()), *found]


def _pressure(type_: str, holds: bool, reason: str, what: str) -> tuple[str, str, str, str]:
    if type_ == "DiskPressure":
        reason = "KubeletHasDiskPressure" if holds else "KubeletHasNoDiskPressure"
        return type_, str(holds), reason, "kubelet has disk pressure" if holds else "kubelet has no disk pressure"
    word = "Insufficient" if holds else "Sufficient"
    return type_, str(holds), reason.format(word), f"kubelet has {word.lower()} {what}"


def _ready(not_ready: str) -> tuple[str, str, str, str]:
    if not_ready:
        return "Ready", "False", "KubeletNotReady", not_ready
    return "Ready", "True", "KubeletReady", "kubelet is posting ready status"


def without_heartbeats(status: Data) -> Data:
    """What counts as a change of the status."""
    kept = [
        {key: value for key, value in each.items() if key != "lastHeartbeatTime"}
        for each in status.get("conditions") or ()
    ]
    return {**status, "conditions": kept}


def lease(spec: NodeSpec, node_uid: str, now: datetime) -> Data:
    owner = {"apiVersion": "v1", "kind": "Node", "name": spec.name, "uid": node_uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": spec.name, "namespace": "kube-node-lease", "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": spec.name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": micro_timestamp(now),
        },
    }
