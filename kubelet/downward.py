"""What a pod may read about itself: `fieldRef` and `resourceFieldRef`, in variables and in volumes.

Source: k8s.io/kubernetes/pkg/fieldpath, pkg/api/v1/resource.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from podling.api import quantity
from podling.api.field import show

_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class FieldUnknown(Exception):
    """No such field may be referred to; the message is Kubernetes'."""


class PodFacts(NamedTuple):
    """What only the kubelet knows. `allocatable` are quantities of the node, the limit of what has none."""

    node_name: str
    host_ips: Sequence[str]
    pod_ips: Sequence[str]
    allocatable: Mapping[str, str]


def field_value(pod: Any, path: str, facts: PodFacts) -> str:
    if keyed := _KEYED.fullmatch(path):
        return str((getattr(pod.metadata, keyed[1]) or {}).get(keyed[2], ""))
    readers: dict[str, Any] = {
        "metadata.name": lambda: pod.metadata.name,
        "metadata.namespace": lambda: pod.metadata.namespace,
        "metadata.uid": lambda: pod.metadata.uid,
        "metadata.labels": lambda: _format_map(pod.metadata.labels),
        "metadata.annotations": lambda: _format_map(pod.metadata.annotations),
        "spec.nodeName": lambda: facts.node_name,
        "spec.serviceAccountName": lambda: pod.spec.serviceAccountName or "",
        "status.hostIP": lambda: next(iter(facts.host_ips), ""),
        "status.hostIPs": lambda: ",".join(facts.host_ips),
        "status.podIP": lambda: next(iter(facts.pod_ips), ""),
        "status.podIPs": lambda: ",".join(facts.pod_ips),
    }
    if path not in readers:
        raise FieldUnknown(f"unsupported fieldPath: {path}")
    return str(readers[path]())


def _format_map(pairs: Mapping[str, str] | None) -> str:
    return "\n".join(f"{key}={show(value)}" for key, value in sorted((pairs or {}).items()))


def resource_value(container: Any, resource: str, divisor: str, facts: PodFacts) -> str:
    """`limits.cpu` divided by `divisor`, rounded up; a missing limit is what the node can give."""
    group, _, name = resource.partition(".")
    if group not in ("limits", "requests") or not name:
        raise FieldUnknown(f"unsupported container resource : {resource}")
    given = getattr(container.resources, group, None) if container.resources else None
    text = (given or {}).get(name) or (facts.allocatable.get(name, "0") if group == "limits" else "0")
    unit = quantity.parse(divisor or "1")
    unit = unit if unit.nanos else quantity.parse("1")
    return str(-(-quantity.parse(text).nanos // unit.nanos))


def container_named(pod: Any, name: str) -> Any:
    for container in [*(pod.spec.initContainers or ()), *pod.spec.containers]:
        if container.name == name:
            return container
    raise FieldUnknown(f"container {name} not found")
