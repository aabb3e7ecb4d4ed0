"""The table of the node's ports, as text; what it does to packets is in tests/e2e/test_host_ports.py."""

import re
import socket

import pytest

from kubelet.network.conntrack import is_datagram_to
from kubelet.network.host_ports import Node, apply, check_free, moved_datagrams, remove, ruleset, table_name
from kubelet.network.netlink import attribute
from kubelet.network.network import NetworkError
from podling.api.host_ports import ANY, HostPort

NODE = Node("c1", "n1", "10.244.1.1", "10.244.0.0/16", "plabcd-")


def elements(text: str, name: str) -> set[str]:
    found = re.search(rf"(?:map|set) {name} .*elements = {{ (.*?) }}", text)
    return set(found[1].split(", ")) if found else set()


def test_a_node_without_ports_has_no_table() -> None:
    assert ruleset(NODE, {}) == "table ip podling_c1_n1\ndelete table ip podling_c1_n1\n"


def test_every_port_is_caught_where_it_was_asked_for() -> None:
    ports = {
        "10.244.1.5": [HostPort("TCP", ANY, 8080, 80), HostPort("UDP", "127.0.0.1", 53, 5353)],
        "10.244.1.6": [HostPort("SCTP", "192.0.2.1", 99, 98)],
    }
    text = ruleset(NODE, ports)
    assert text.startswith(ruleset(NODE, {}))
    assert elements(text, "anywhere") == {"tcp . 8080 : 10.244.1.5 . 80"}
    assert elements(text, "exact") == {
        "10.244.1.1 . tcp . 8080 : 10.244.1.5 . 80",
        "127.0.0.1 . udp . 53 : 10.244.1.5 . 5353",
        "192.0.2.1 . sctp . 99 : 10.244.1.6 . 98",
    }
    assert elements(text, "hairpin") == {"10.244.1.5 . 10.244.1.5", "10.244.1.6 . 10.244.1.6"}
    assert "ip daddr != 10.244.0.0/16" in text, "the other nodes' own addresses are theirs"


def test_tables_of_a_clusters_nodes_are_asked_in_their_order_and_before_the_engines() -> None:
    priorities = [NODE._replace(order=order).priority for order in (0, 1, 79, 80, 199)]
    assert priorities == [-190, -189, -111, -110, -110]
    assert "hook output priority -189" in ruleset(NODE._replace(order=1), {"10.244.1.5": [HostPort("TCP", ANY, 1, 1)]})


def test_two_pods_on_addresses_of_their_own_have_no_place_for_all() -> None:
    text = ruleset(NODE, {"10.244.1.5": [HostPort("TCP", "127.0.0.1", 80, 80)]})
    assert elements(text, "anywhere") == set()


def test_a_clusters_tables_are_not_those_of_one_whose_name_begins_alike() -> None:
    assert not table_name("c10", "n1").startswith(table_name("c1"))


def test_a_port_on_which_a_program_of_the_host_listens_is_not_taken_away_from_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(NetworkError, match=f"cannot open hostport {port}: listen tcp4 :{port}: bind: Address"):
            check_free([HostPort("TCP", ANY, port, 80)])
        check_free([HostPort("UDP", ANY, port, 80), HostPort("SCTP", ANY, port, 80)])
    check_free([HostPort("TCP", ANY, port, 80)])


def test_ports_of_datagrams_that_lead_elsewhere_are_told() -> None:
    one, other = HostPort("UDP", ANY, 53, 53), HostPort("UDP", ANY, 54, 54)
    stream = HostPort("TCP", ANY, 55, 55)
    assert moved_datagrams({}, {"10.0.0.1": [one, stream]}) == {53}
    assert moved_datagrams({"10.0.0.1": [one]}, {"10.0.0.2": [one]}) == {53}
    assert moved_datagrams({"10.0.0.1": [one, other, stream]}, {"10.0.0.1": [one]}) == {54}


@pytest.mark.parametrize(("protocol", "port", "found"), [(17, 53, True), (17, 54, False), (6, 53, False)])
def test_a_flow_is_known_by_the_protocol_and_port_of_its_first_packet(protocol: int, port: int, found: bool) -> None:
    inner = attribute(1, bytes([protocol])) + attribute(2, b"\x01\x02") + attribute(3, port.to_bytes(2))
    assert is_datagram_to(attribute(1, b"address") + attribute(2, inner), {53}) == found


def test_a_machine_without_nft_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NetworkError, match="a hostPort needs the command nft: install the package nftables"):
        apply(ruleset(NODE, {}))
    remove("c1")
