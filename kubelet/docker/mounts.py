"""A container's mounts in the words of the engine. Pure.

`Binds` say almost everything and every engine knows them. `Mounts` say the rest: paths with a colon, and, from
engine 25 on (API 1.44), whether read-only holds for what is mounted below: there it does unless told otherwise, in
Kubernetes it does not unless asked for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kubelet.docker.spec import bind
from kubelet.runtime import Mount

RECURSIVE_READ_ONLY_API, RECURSIVE_READ_ONLY_ENGINE, RECURSIVE_READ_ONLY_KERNEL = (1, 44), (25,), (5, 12)
Json = dict[str, Any]


def supports_recursive_read_only(engine: str, kernel: str) -> bool:
    """Their versions, as the engine and uname tell them: "28.2.2", "6.1.0-18-amd64"."""
    return _numbers(engine) >= RECURSIVE_READ_ONLY_ENGINE and _numbers(kernel) >= RECURSIVE_READ_ONLY_KERNEL


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def mounts_config(mounts: Sequence[Mount], api: tuple[int, ...]) -> Mapping[str, Any]:
    """The part of HostConfig."""
    plain = [mount for mount in mounts if _is_plain(mount, api)]
    return {
        "Binds": [bind(mount.source, mount.target, mount.read_only, mount.propagation) for mount in plain],
        "Mounts": [_mount(mount, api) for mount in mounts if mount not in plain],
    }


def _is_plain(mount: Mount, api: tuple[int, ...]) -> bool:
    return not mount.of_image and ":" not in mount.source and not (mount.read_only and api >= RECURSIVE_READ_ONLY_API)


def _mount(mount: Mount, api: tuple[int, ...]) -> Json:
    if mount.of_image:
        part = {"ImageOptions": {"Subpath": mount.sub_path}} if mount.sub_path else {}
        return {"Type": "image", "Source": mount.source, "Target": mount.target, "ReadOnly": True, **part}
    options: Json = {"Propagation": mount.propagation, "CreateMountpoint": True}
    if mount.read_only and api >= RECURSIVE_READ_ONLY_API:
        options["ReadOnlyForceRecursive" if mount.recursive_read_only else "ReadOnlyNonRecursive"] = True
    return {
        "Type": "bind",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "BindOptions": options,
    }
