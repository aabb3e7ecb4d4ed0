"""A container's security, as the engine takes it. Pure, given the text of a seccomp profile.

Docker applies its own seccomp and AppArmor profile unless told otherwise, Kubernetes the runtime's own AppArmor profile
and no seccomp: so seccomp is always spelled out, AppArmor only where the pod names a profile. Labels for an engine
without SELinux are left out, as containerd does.
"""

from typing import Any

from kubelet.docker.facts import EngineFacts
from kubelet.runtime import Security
from kubelet.security import LOCALHOST

RUNTIME_DEFAULT = ("", "runtime/default")
Json = dict[str, Any]


def security_config(security: Security, facts: EngineFacts, seccomp: str = "") -> Json:
    """The part of HostConfig. `seccomp` is the text of the profile, where the node keeps it."""
    config: Json = {
        "Privileged": security.privileged,
        "ReadonlyRootfs": security.read_only_root,
        "CapAdd": list(security.add_capabilities),
        "CapDrop": list(security.drop_capabilities),
        "GroupAdd": [str(group) for group in security.groups],
        "SecurityOpt": options(security, facts, seccomp),
        "UsernsMode": userns_mode(facts),
    }
    if security.unmasked_proc:
        config |= {"MaskedPaths": [], "ReadonlyPaths": []}
    if security.privileged and facts.cgroup_version == 2:
        config["CgroupnsMode"] = "host"  # as CRI runtimes do; otherwise private there
    return config


def options(security: Security, facts: EngineFacts, seccomp: str = "") -> list[str]:
    found = ["no-new-privileges"] if security.no_new_privileges else []
    if security.seccomp.startswith(LOCALHOST):
        found.append(f"seccomp={seccomp}")
    elif security.seccomp not in RUNTIME_DEFAULT:
        found.append(f"seccomp={security.seccomp}")
    if security.app_armor not in RUNTIME_DEFAULT and "apparmor" in facts.security:
        found.append(f"apparmor={security.app_armor.removeprefix(LOCALHOST)}")
    if "selinux" in facts.security:
        found += [f"label={each}" for each in security.selinux]
    return found


def userns_mode(facts: EngineFacts) -> str:
    """Pods share the host's users, as `hostUsers` says unless it is false: volumes and namespaces of the sandbox could
    not be used from the users of an engine with userns-remap."""
    return "host" if "userns" in facts.security else ""
