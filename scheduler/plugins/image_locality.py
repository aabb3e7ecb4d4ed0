"""Nodes that have the pod's images already, weighed by their size and by how many nodes have them.

Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/imagelocality.
"""

from collections.abc import Sequence

from scheduler.plugins.plugin import BEST
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

MB = 1024 * 1024
LEAST_BYTES, MOST_BYTES_A_CONTAINER = 23 * MB, 1000 * MB


def score(pod: PodInfo, nodes: Sequence[NodeInfo], snapshot: Snapshot) -> list[int] | None:
    spec = pod.pod.spec
    images = [with_tag(c.image) for c in (*(spec.initContainers or ()), *spec.containers) if c.image]
    spread = {image: sum(image in node.images for node in snapshot.nodes.values()) for image in images}
    if not any(spread.values()):
        return None
    scale, most = len(snapshot.nodes), MOST_BYTES_A_CONTAINER * len(images)
    sums = [sum(node.images.get(image, 0) * spread[image] // scale for image in images) for node in nodes]
    return [BEST * (min(max(value, LEAST_BYTES), most) - LEAST_BYTES) // (most - LEAST_BYTES) for value in sums]


def with_tag(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"
