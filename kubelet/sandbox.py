"""From a pod's spec to the sandbox that it is started in. Pure."""

from collections.abc import Sequence
from typing import Any

from kubelet.cgroups.limits import pod_limits
from kubelet.dns import Cluster, Fitted, dns_of, fitted
from kubelet.names import NameTooLong, names_of
from kubelet.runtime import ContainerError, SandboxWanted
from kubelet.sysctls import dotted
from kubelet.wanted import NodeFacts, ref_of
from podling.api.host_ports import host_ports


def sandbox_wanted(pod: Any, attempt: int, node: NodeFacts, handler: str = "") -> SandboxWanted:
    """`handler` is of the pod's RuntimeClass. Raises `ContainerError` for what cannot be made here."""
    spec, context = pod.spec, pod.spec.securityContext
    if spec.hostUsers is False:
        raise refused(f'RuntimeClass handler "{handler}" does not support user namespaces')
    try:
        names = names_of(pod, node.cluster_domain)
    except NameTooLong as error:
        raise refused(str(error)) from error
    dns = resolver(pod, node).dns
    return SandboxWanted(
        ref=ref_of(pod),
        attempt=attempt,
        hostname=names.hostname,
        names=names.in_hosts,
        host_network=bool(spec.hostNetwork),
        host_pid=bool(spec.hostPID),
        host_ipc=bool(spec.hostIPC),
        share_process_namespace=bool(spec.shareProcessNamespace),
        host_aliases=[(alias.ip, alias.hostnames or ()) for alias in spec.hostAliases or ()],
        nameservers=dns.nameservers,
        searches=dns.searches,
        dns_options=dns.options,
        sysctls={dotted(each.name): each.value for each in (context.sysctls if context else None) or ()},
        ports=() if spec.hostNetwork else host_ports(pod),
        runtime=handler,
        labels=pod.metadata.labels or {},
        limits=pod_limits(pod),
    )


def resolver(pod: Any, node: NodeFacts) -> Fitted:
    cluster = Cluster(pod.metadata.namespace, node.cluster_dns, node.cluster_domain)
    return fitted(dns_of(pod, node.host_dns, cluster))


def omissions(pod: Any, node: NodeFacts) -> Sequence[str]:
    """What of the pod's DNS is more than resolvers take."""
    return resolver(pod, node).omissions


def refused(message: str) -> ContainerError:
    return ContainerError("CreatePodSandboxError", message)
