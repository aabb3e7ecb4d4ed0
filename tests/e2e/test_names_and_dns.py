"""What a pod is called, whom it knows by /etc/hosts, and whom it asks for the others."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asking import Pods
from tests.e2e.conftest import Cluster, eventually
from tests.e2e.manifests import manifest, shell

HOSTS = "sed '/Kubernetes-managed hosts file.$/,/ip6-allrouters/d' /etc/hosts"
SHOW = f"hostname; hostname -f; echo --; {HOSTS}; echo --; cat /etc/resolv.conf"
NAMESPACE = "test-names"
DOMAIN = f"data.{NAMESPACE}.svc.cluster.local"
ALIASES = [
    {"ip": "192.0.2.1", "hostnames": ["one", "uno"]},
    {"ip": "192.0.2.2", "hostnames": ["two"]},
    {"ip": "192.0.2.1", "hostnames": ["again"]},
]
DNS = {
    "nameservers": ["192.0.2.53", "192.0.2.54"],
    "searches": ["corp.example", "example"],
    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
}
MUCH = {"nameservers": ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "searches": [f"d{n}.example" for n in range(32)]}
LONG = "long-enough-that-linux-takes-no-such-host-name"
PODS: dict[str, dict[str, Any]] = {
    "plain": {},
    "member": {"hostname": "db-0", "subdomain": "data"},
    "full": {"hostname": "db-1", "subdomain": "data", "setHostnameAsFQDN": True},
    "other": {"hostnameOverride": "db.example.com"},
    "friends": {"hostAliases": ALIASES},
    "own-dns": {"dnsPolicy": "None", "dnsConfig": DNS},
    "more-dns": {"dnsPolicy": "Default", "dnsConfig": DNS},
    "much-dns": {"dnsPolicy": "Default", "dnsConfig": MUCH},
    "host": {"hostNetwork": True, "hostAliases": ALIASES[:1]},
    LONG: {"subdomain": "data", "setHostnameAsFQDN": True},
}


@pytest.fixture(scope="module")
def named(cluster: Cluster) -> Iterator[Pods]:
    """All pods of this module at once."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    pods = Pods(cluster.kubectl, NAMESPACE, eventually)
    try:
        eventually(lambda: pods("get", "serviceaccount", "default", check=False).returncode == 0)
        made = [manifest(name, [shell(SHOW)], restartPolicy="Never", **spec) for name, spec in PODS.items()]
        items = [json.loads(each) for each in made]
        pods.create(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        yield pods
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


def said(pods: Pods, name: str) -> tuple[list[str], str, list[str]]:
    """Both host names; the pod's own part of /etc/hosts; the lines of /etc/resolv.conf."""
    pods.until(name, lambda pod: pod["status"].get("phase") in ("Succeeded", "Failed"))
    names, hosts, resolver = pods("logs", name).stdout.split("--\n")
    return names.split(), hosts.replace(str(pods.get(name)["status"]["podIP"]), "IP"), resolver.splitlines()


@pytest.mark.parametrize(
    ("name", "names", "line"),
    [
        ("plain", ["plain", "plain"], "IP\tplain"),
        ("member", ["db-0", f"db-0.{DOMAIN}"], f"IP\tdb-0.{DOMAIN}\tdb-0"),
        ("full", [f"db-1.{DOMAIN}", f"db-1.{DOMAIN}"], f"IP\tdb-1.{DOMAIN}\tdb-1"),
        ("other", ["db.example.com", "db.example.com"], "IP\tdb.example.com"),
    ],
)
def test_a_pod_is_called_as_its_spec_says(named: Pods, name: str, names: list[str], line: str) -> None:
    assert said(named, name)[:2] == (names, f"{line}\n")


def test_host_aliases_stand_in_etc_hosts(named: Pods) -> None:
    _, hosts, _ = said(named, "friends")
    entries = "192.0.2.1\tone\tuno\n192.0.2.2\ttwo\n192.0.2.1\tagain\n"
    assert hosts == f"IP\tfriends\n\n# Entries added by HostAliases.\n{entries}"


def test_a_name_that_linux_does_not_take_is_refused(named: Pods) -> None:
    full = f"{LONG}.{DOMAIN}"
    message = (
        "Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, "
        f"FQDN {full} is too long (64 characters is the max, {len(full)} characters requested)"
    )
    eventually(lambda: ("FailedCreatePodSandBox", message) in named.events(LONG))


def test_the_pods_own_dns_is_all_it_asks_or_is_added_to_the_hosts(named: Pods) -> None:
    own = ["search corp.example example", "nameserver 192.0.2.53", "nameserver 192.0.2.54", "options ndots:2 edns0"]
    assert said(named, "own-dns")[2] == own
    plain, more = said(named, "plain")[2], said(named, "more-dns")[2]
    servers = [line for line in more if line.startswith("nameserver")]
    assert servers == [*(line for line in plain if line.startswith("nameserver")), *own[1:3]][:3]
    assert more[0].endswith(" corp.example example") or more[0] == own[0]


def test_more_than_resolvers_take_is_left_out_and_told(named: Pods) -> None:
    resolver = said(named, "much-dns")[2]
    assert len([line for line in resolver if line.startswith("nameserver")]) == 3
    assert len(resolver[0].split()) == 1 + 32
    host_has_servers = any(line.startswith("nameserver") for line in said(named, "plain")[2])
    told = [message for reason, message in named.events("much-dns") if reason == "DNSConfigForming"]
    assert any(each.startswith("Nameserver limits were exceeded") for each in told) == host_has_servers


def test_a_pod_in_the_hosts_network_has_the_hosts_name_and_file(named: Pods) -> None:
    named.until("host", lambda pod: pod["status"].get("phase") == "Succeeded")
    told = named("logs", "host").stdout
    assert told.splitlines()[0] == socket.gethostname()
    file = "# Kubernetes-managed hosts file (host network).\n" + Path("/etc/hosts").read_text()
    assert f"{file}\n# Entries added by HostAliases.\n192.0.2.1\tone\tuno\n" in told
