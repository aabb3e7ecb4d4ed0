"""Which container of which pod on which node a stream is for. Pure.

Source of rules and words: k8s.io/kubernetes/pkg/registry/core/pod/strategy.go.
"""

from dataclasses import dataclass
from typing import Any

from podling.api.errors import BadRequest

Object = dict[str, Any]

DEFAULT_KUBELET_PORT = 10250


@dataclass(frozen=True, slots=True)
class Node:
    """Where a node's kubelet listens."""

    name: str
    address: str
    port: int


def container_of(pod: Object, wanted: str) -> str:
    """The container that is meant: the one named, or the only one."""
    name, spec = pod["metadata"]["name"], pod.get("spec", {})
    kinds = {
        "": _names(spec, "containers"),
        "init containers": _names(spec, "initContainers"),
        "ephemeral containers": _names(spec, "ephemeralContainers"),
    }
    if wanted:
        if not any(wanted in names for names in kinds.values()):
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    containers = kinds[""]
    if len(containers) == 1:
        return containers[0]
    words = f"a container name must be specified for pod {name}"
    if containers:
        words += f", choose one of: {_listed(containers)}"
        for kind, names in kinds.items():
            if kind and names:
                words += f" or one of the {kind}: {_listed(names)}"
    raise BadRequest(words)


def _names(spec: Object, field: str) -> list[str]:
    return [container["name"] for container in spec.get(field) or ()]


def _listed(names: list[str]) -> str:
    return "[" + " ".join(names) + "]"


def node_name(pod: Object) -> str:
    """Raises where the pod has no node yet."""
    name: str = pod.get("spec", {}).get("nodeName", "")
    if not name:
        raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")
    return name


def kubelet_of(node: Object) -> Node:
    """The kubelet's address, as the node tells it: the first internal address, else the first of all."""
    status = node.get("status", {})
    name = node["metadata"]["name"]
    addresses = status.get("addresses") or ()
    for kind in ("InternalIP", "ExternalIP", "Hostname"):
        for address in addresses:
            if address.get("type") == kind:
                endpoint = (status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
                return Node(name, address["address"], endpoint.get("Port") or DEFAULT_KUBELET_PORT)
    raise BadRequest(f"no preferred addresses found; known addresses: {list(addresses)}")
