"""A cluster whose range of pod addresses changed, because somebody else took the old one: its nodes are told.

A node's podCIDR never changes once it is set, so the Node is made anew, with what others have written on it. Its pods
stay: they are bound to its name.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podling.cli.probe import Probe
    from podling.state import Cluster


def readdress(probe: "Probe", server: str, cluster: "Cluster") -> list[str]:
    """The names of the nodes that had another range. Their kubelets report them within a heartbeat."""
    changed = []
    for node in cluster.nodes:
        url = f"{server}/api/v1/nodes"
        answer = probe.get(f"{url}/{node.name}")
        old = json.loads(answer.body) if answer and answer.status == 200 else {}
        if (old.get("spec") or {}).get("podCIDR") in (None, node.pod_cidr):
            continue
        probe.ask("DELETE", f"{url}/{node.name}")
        probe.ask("POST", url, json.dumps(anew(old, node.pod_cidr)).encode())
        changed.append(node.name)
    return changed


def anew(old: dict[str, Any], pod_cidr: str) -> dict[str, Any]:
    """The same Node with another range: its labels, annotations, taints, and whether it is cordoned."""
    metadata, spec = old["metadata"], old["spec"]
    kept = {name: metadata[name] for name in ("name", "labels", "annotations") if name in metadata}
    others = {name: spec[name] for name in ("taints", "unschedulable") if name in spec}
    addresses = {"podCIDR": pod_cidr, "podCIDRs": [pod_cidr]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": kept, "spec": {**others, **addresses}}
