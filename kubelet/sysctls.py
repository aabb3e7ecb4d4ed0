"""Which kernel settings a pod may have for itself. Pure.

Safe ones are the pod's own and hurt no other pod. Source: k8s.io/kubernetes/pkg/kubelet/sysctl/safe_sysctls.go (1.36).
"""

from collections.abc import Sequence

SAFE = frozenset({
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
})  # fmt: skip


def dotted(name: str) -> str:
    """`net/ipv4/conf/eth0.1/forwarding` as `net.ipv4.conf.eth0/1.forwarding`; the first separator tells which it is."""
    first = next((letter for letter in name if letter in "./"), ".")
    return name if first == "." else name.translate(str.maketrans("./", "/."))


IPC = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")  # beginnings of those of an IPC namespace


def forbidden(name: str, host_network: bool, host_ipc: bool, allowed: Sequence[str] = ()) -> str:
    """Why a pod may not set it, "" where it may. `allowed`: others that the node's owner lets pods set, `net.core.*` by
    their beginning."""
    name = dotted(name)
    if name not in SAFE and not any(_matches(name, dotted(each)) for each in allowed):
        return f'"{name}" not allowlisted'
    if name.startswith("net.") and host_network:
        return f'"{name}" not allowed with host net enabled'
    if name.startswith(IPC) and host_ipc:
        return f'"{name}" not allowed with host ipc enabled'
    return ""


def _matches(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
