"""emptyDir: a folder on disk, in memory, or of huge pages, which lives as long as its pod.

Made once: what the containers then do with the folder's owner and mode stays. Source:
k8s.io/kubernetes/pkg/volume/emptydir.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubelet.cgroups.limits import pod_limits
from kubelet.volumes import mounts
from kubelet.volumes.payload import PayloadError
from podling.api import quantity

HUGE_PAGES = "HugePages"
REQUEST = "hugepages-"
OPEN, OPEN_TO_GROUP = 0o777, 0o2777


def prepare(path: Path, pod: Any, volume: Any, group: int | None, memory: str) -> None:
    """`group` is the pod's fsGroup; `memory` what the node gives to pods, the most that a memory volume may hold.
    Errors: `PayloadError`, OSError."""
    medium = volume.emptyDir.medium or ""
    if not medium:
        _on_disk(path, group)
        return
    if os.geteuid() != 0:
        raise PayloadError(f"emptyDir of medium {medium} needs podling to run as root")
    options = {"mode": f"{OPEN:o}" if group is None else f"{OPEN_TO_GROUP:o}"}
    options |= {} if group is None else {"gid": str(group)}
    if medium == "Memory":
        size = memory_bytes(pod, volume, memory)
        in_memory(path, {**options, **({"size": str(size)} if size else {})})
    elif medium.startswith(HUGE_PAGES):
        page = page_bytes(pod, medium)
        path.mkdir(parents=True, exist_ok=True)
        if not mounts.is_mounted(path):
            mounts.mount_huge_pages(path, {**options, "pagesize": str(page)})
    else:
        raise PayloadError(f'unknown storage medium "{medium}"')


def in_memory(path: Path, options: dict[str, str]) -> None:
    """A tmpfs, unless it is there already."""
    path.mkdir(parents=True, exist_ok=True)
    if not mounts.is_mounted(path):
        mounts.mount_tmpfs(path, options)


def _on_disk(path: Path, group: int | None) -> None:
    """Complete or not there at all, wherever the kubelet is killed."""
    if path.exists():
        return
    fresh = path.with_name(f".{path.name}")  # no volume's name begins with a dot
    fresh.mkdir(parents=True, exist_ok=True)
    if group is not None:
        os.chown(fresh, -1, group)
    fresh.chmod(OPEN if group is None else OPEN_TO_GROUP)
    fresh.rename(path)


def memory_bytes(pod: Any, volume: Any, memory: str) -> int:
    """The least of what the volume asks for, what the containers may use together, and what the node has; 0: none."""
    given = [
        quantity.parse(volume.emptyDir.sizeLimit).value if volume.emptyDir.sizeLimit else 0,
        pod_limits(pod).memory_bytes,
        quantity.parse(memory).value if memory else 0,
    ]
    return min((each for each in given if each > 0), default=0)


def page_bytes(pod: Any, medium: str) -> int:
    """The size of the huge pages: the medium's, which a container must ask for, or the one size that they ask for."""
    asked = set(_pages_asked(pod))
    wanted = quantity.parse(medium.removeprefix(f"{HUGE_PAGES}-")).value if medium != HUGE_PAGES else 0
    found = asked & {wanted} if wanted else asked
    if not found:
        words = "hugePages storage requested, but there is no resource request for huge pages"
        raise PayloadError(f"medium {medium}: {words}")
    if len(found) > 1:
        raise PayloadError(f"medium: {medium} can't be used if container requests multiple huge page sizes")
    return found.pop()


def _pages_asked(pod: Any) -> Iterator[int]:
    for one in (pod.spec, *pod.spec.containers, *(pod.spec.initContainers or ())):
        requests = (one.resources.requests if one.resources else None) or {}
        yield from (quantity.parse(name.removeprefix(REQUEST)).value for name in requests if name.startswith(REQUEST))
