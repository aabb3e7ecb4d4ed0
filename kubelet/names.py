"""What a pod is called inside. Pure. Source: GeneratePodHostNameAndDomain, GetNodenameForKernel of the kubelet.

spec                                         hostname                          hosts
─────────────────────────────────────────────────────────────────────────────────────────────────────────────
(nothing)                                    web-1                             ip  web-1
hostname: db                                 db                                ip  db
hostname: db, subdomain: data                db                                ip  db.data.ns.svc.<domain>  db
… and setHostnameAsFQDN                      db.data.ns.svc.<domain>           ip  db.data.ns.svc.<domain>  db
hostnameOverride: a.b                        a.b                               ip  a.b
hostNetwork                                  the host's                        the host's own file
"""

from typing import Any, NamedTuple

MOST_LABEL, MOST_HOSTNAME = 63, 64  # the second is Linux' nodename


class NameTooLong(Exception):
    """Linux takes no such host name."""


class Names(NamedTuple):
    """`hostname` is what the kernel says, "" the host's own; `in_hosts` stand behind the address in /etc/hosts."""

    hostname: str
    in_hosts: tuple[str, ...]


def names_of(pod: Any, cluster_domain: str) -> Names:
    """Raises `NameTooLong`."""
    spec = pod.spec
    if spec.hostNetwork:
        return Names("", ())
    if spec.hostnameOverride:
        return Names(spec.hostnameOverride, (spec.hostnameOverride,))
    short = str(spec.hostname or pod.metadata.name)[:MOST_LABEL].rstrip("-.")
    if not spec.subdomain:
        return Names(short, (short,))
    full = f"{short}.{spec.subdomain}.{pod.metadata.namespace}.svc.{cluster_domain}"
    if spec.setHostnameAsFQDN and len(full) > MOST_HOSTNAME:
        raise NameTooLong(
            f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long "
            f"({MOST_HOSTNAME} characters is the max, {len(full)} characters requested)"
        )
    return Names(full if spec.setHostnameAsFQDN else short, (full, short))
