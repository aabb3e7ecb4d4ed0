"""A pod's resolv.conf: by its policy from the cluster's and the host's, with what the pod adds, cut to what resolvers
take. Pure. Source: k8s.io/kubernetes/pkg/kubelet/network/dns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

MOST_NAMESERVERS, MOST_SEARCHES, MOST_SEARCH_LETTERS, MOST_DOMAIN_LETTERS = 3, 32, 2048, 253


class Dns(NamedTuple):
    """A resolv.conf."""

    nameservers: Sequence[str] = ()
    searches: Sequence[str] = ()
    options: Sequence[str] = ()


class Cluster(NamedTuple):
    """`server` is "" where the cluster has no name service: its pods then ask the host's servers."""

    namespace: str
    server: str
    domain: str


def dns_of(pod: Any, host: Dns, cluster: Cluster) -> Dns:
    """As the pod asks for it, however long."""
    policy = pod.spec.dnsPolicy or "ClusterFirst"
    if policy == "ClusterFirst" and pod.spec.hostNetwork:
        policy = "Default"
    base = host
    if policy == "None":
        base = Dns()
    elif policy != "Default" and cluster.server:
        own = [f"{cluster.namespace}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain]
        base = Dns([cluster.server], _unique([*own, *host.searches]), ["ndots:5"])
    config = pod.spec.dnsConfig
    if config is None:
        return base
    options = {option.partition(":")[0]: option for option in base.options}
    options |= {each.name: f"{each.name}:{each.value}" if each.value else each.name for each in config.options or ()}
    return Dns(
        _unique([*base.nameservers, *(config.nameservers or ())]),
        _unique([*base.searches, *(config.searches or ())]),
        list(options.values()),
    )


class Fitted(NamedTuple):
    """`omissions` are told to the pod's owner, reason DNSConfigForming."""

    dns: Dns
    omissions: Sequence[str] = ()


def fitted(dns: Dns) -> Fitted:
    """What resolvers take of it."""
    servers, searches = list(dns.nameservers)[:MOST_NAMESERVERS], _fitting(dns.searches)
    omissions = []
    if len(servers) < len(dns.nameservers):
        omissions.append(
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
            + " ".join(servers)
        )
    if len(searches) < len(dns.searches):
        omissions.append(
            "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
            + " ".join(searches)
        )
    return Fitted(Dns(servers, searches, dns.options), omissions)


def _fitting(searches: Sequence[str]) -> list[str]:
    found = [domain for domain in searches[:MOST_SEARCHES] if len(domain) <= MOST_DOMAIN_LETTERS]
    while len(" ".join(found)) > MOST_SEARCH_LETTERS:
        found.pop()
    return found


def _unique(items: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys(items))
