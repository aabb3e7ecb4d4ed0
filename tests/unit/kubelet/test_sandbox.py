"""From a pod's spec to its sandbox."""

import pytest

from kubelet.dns import Dns
from kubelet.runtime import ContainerError
from kubelet.sandbox import omissions, sandbox_wanted
from kubelet.wanted import NodeFacts
from podling.api.host_ports import HostPort

from .build import typed_pod

NODE = NodeFacts("n1", ["192.0.2.1"], Dns(["10.9.9.9"], ["corp"], ["edns0"]))
PORTS = [
    {"name": "app", "ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]},
    {"name": "dns", "ports": [{"containerPort": 53, "hostPort": 53, "hostIP": "127.0.0.1", "protocol": "UDP"}]},
]


def test_the_sandbox_carries_what_the_pod_shares() -> None:
    aliases = [{"ip": "10.1.1.1", "hostnames": ["a", "b"]}, {"ip": "10.1.1.1", "hostnames": ["c"]}]
    sysctls = {"sysctls": [{"name": "net/ipv4/tcp_syncookies", "value": "0"}]}
    pod = typed_pod(hostAliases=aliases, securityContext=sysctls, hostPID=True, hostIPC=True, subdomain="data")
    found = sandbox_wanted(pod, 2, NODE, "crun")
    assert (found.attempt, found.hostname, found.runtime) == (2, "web", "crun")
    assert found.names == ("web.data.default.svc.cluster.local", "web")
    assert found.host_pid and found.host_ipc and not found.host_network and not found.share_process_namespace
    assert found.host_aliases == [("10.1.1.1", ["a", "b"]), ("10.1.1.1", ["c"])]
    assert found.sysctls == {"net.ipv4.tcp_syncookies": "0"}
    assert (found.nameservers, found.searches, found.dns_options) == (["10.9.9.9"], ["corp"], ["edns0"])


def test_ports_of_the_node_lead_to_the_pod_but_in_the_hosts_network_nothing_is_between() -> None:
    expected = [HostPort("TCP", "0.0.0.0", 8080, 80), HostPort("UDP", "127.0.0.1", 53, 53)]
    assert sandbox_wanted(typed_pod(PORTS), 0, NODE).ports == expected
    in_host = sandbox_wanted(typed_pod(PORTS, hostNetwork=True), 0, NODE)
    assert in_host.host_network and not in_host.ports and in_host.hostname == ""


def test_what_cannot_be_made_is_refused() -> None:
    long = typed_pod(hostname="a" * 60, subdomain="data", setHostnameAsFQDN=True)
    for pod, words in (
        (typed_pod(hostUsers=False), 'RuntimeClass handler "" does not support user namespaces'),
        (long, "failed to construct FQDN from pod hostname"),
    ):
        with pytest.raises(ContainerError) as told:
            sandbox_wanted(pod, 0, NODE)
        assert told.value.reason == "CreatePodSandboxError" and words in told.value.message
    assert sandbox_wanted(typed_pod(hostUsers=True), 0, NODE)


def test_what_of_the_dns_is_too_much_is_told() -> None:
    config = {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3"]}
    assert len(omissions(typed_pod(dnsConfig=config), NODE)) == 1
    assert sandbox_wanted(typed_pod(dnsConfig=config), 0, NODE).nameservers == ["10.9.9.9", "1.1.1.1", "1.1.1.2"]
