"""Pods' resolv.conf."""

from typing import Any

import pytest

from kubelet.dns import Cluster, Dns, dns_of, fitted

from .build import typed_pod

HOST = Dns(["10.9.9.9"], ["corp"], ["edns0"])
NO_SERVER, CLUSTER = Cluster("default", "", "cluster.local"), Cluster("default", "10.96.0.10", "cluster.local")
OWN = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp"]
CONFIG = {
    "nameservers": ["1.1.1.1"],
    "searches": ["x"],
    "options": [{"name": "ndots", "value": "2"}, {"name": "debug"}],
}


@pytest.mark.parametrize(
    ("spec", "cluster", "expected"),
    [
        ({}, CLUSTER, Dns(["10.96.0.10"], OWN, ["ndots:5"])),
        ({}, NO_SERVER, HOST),
        ({"dnsPolicy": "Default"}, CLUSTER, HOST),
        ({"hostNetwork": True}, CLUSTER, HOST),
        (
            {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
            CLUSTER,
            Dns(["10.96.0.10"], OWN, ["ndots:5"]),
        ),
        ({"dnsPolicy": "None", "dnsConfig": CONFIG}, CLUSTER, Dns(["1.1.1.1"], ["x"], ["ndots:2", "debug"])),
        ({"dnsConfig": CONFIG}, CLUSTER, Dns(["10.96.0.10", "1.1.1.1"], [*OWN, "x"], ["ndots:2", "debug"])),
    ],
)
def test_names_are_looked_up_where_the_policy_says(spec: dict[str, Any], cluster: Cluster, expected: Dns) -> None:
    found = dns_of(typed_pod(**spec), HOST, cluster)
    assert found == expected
    assert fitted(found) == (found, [])


def test_more_than_resolvers_take_is_left_out_and_told() -> None:
    servers, searches = [f"10.0.0.{n}" for n in range(1, 6)], [f"d{n}.example" for n in range(40)]
    dns, omissions = fitted(Dns(servers, searches, ["ndots:5"]))
    assert dns == Dns(servers[:3], searches[:32], ["ndots:5"])
    assert omissions == [
        "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
        "10.0.0.1 10.0.0.2 10.0.0.3",
        "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
        + " ".join(searches[:32]),
    ]


def test_a_search_line_has_at_most_2048_letters_and_no_domain_over_253() -> None:
    long, longer = "a" * 253, "b" * 254
    assert fitted(Dns([], [longer, "x"])).dns.searches == ["x"]
    assert fitted(Dns([], [long] * 9)).dns.searches == [long] * 8
