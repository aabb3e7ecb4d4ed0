"""What an engine can do, as far as pods depend on it: read once, as soon as it answers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

CAP_SYS_RESOURCE = 24


class EngineFacts(NamedTuple):
    """`security` are the names of the engine's security options: seccomp, apparmor, selinux, rootless, userns.
    `runtimes` are the OCI runtimes that it was told of. `cgroup_version` is 1 or 2."""

    lowest_oom_score: int = 0
    security: frozenset[str] = frozenset()
    runtimes: frozenset[str] = frozenset({"runc"})
    default_runtime: str = "runc"
    cgroup_version: int = 1
    cgroup_driver: str = "cgroupfs"
    api_version: tuple[int, ...] = (1, 41)


def facts_of(info: Mapping[str, Any], api_version: str, process_status: str) -> EngineFacts:
    """`info` as `docker info` tells; `process_status` is our own /proc/self/status."""
    security = security_names(info.get("SecurityOptions") or ())
    return EngineFacts(
        lowest_oom_score=lowest_oom_score(security, process_status),
        security=security,
        runtimes=frozenset(info.get("Runtimes") or {"runc"}),
        default_runtime=info.get("DefaultRuntime") or "runc",
        cgroup_version=int(info.get("CgroupVersion") or 1),
        cgroup_driver=info.get("CgroupDriver") or "cgroupfs",
        api_version=tuple(int(part) for part in api_version.split(".")),
    )


def security_names(options: Sequence[str]) -> frozenset[str]:
    """Of ["name=seccomp,profile=default", "name=rootless"]; engines before 1.13 told the name alone."""
    return frozenset(option.split(",")[0].removeprefix("name=") for option in options)


def lowest_oom_score(security: frozenset[str], process_status: str) -> int:
    """The lowest score that a container may ask for: below 0 takes a capability that a rootless engine has not, and
    that some machines keep from root itself."""
    if "rootless" in security:
        return 0
    bounding = next((line.split()[1] for line in process_status.splitlines() if line.startswith("CapBnd:")), "")
    return -1000 if not bounding or int(bounding, 16) >> CAP_SYS_RESOURCE & 1 else 0
