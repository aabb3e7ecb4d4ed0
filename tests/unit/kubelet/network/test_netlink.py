import struct

from kubelet.network.netlink import IFF_UP, IFLA_IFALIAS, IFLA_IFNAME, LINK, attribute, attributes, link_of, text


def test_an_attribute_is_padded_to_four_bytes_but_counts_its_own_length() -> None:
    assert attribute(3, b"abcde") == struct.pack("=HH", 9, 3) + b"abcde\0\0\0"


def test_attributes_are_read_back_without_padding_and_flags() -> None:
    data = attribute(3, b"abcde") + attribute(0x8000 | 18, b"xy") + attribute(1, b"")
    assert list(attributes(data)) == [(3, b"abcde"), (18, b"xy"), (1, b"")]


def test_a_link_is_read_with_its_alias() -> None:
    payload = LINK.pack(0, 1, 42, IFF_UP | 0x1000, 0) + attribute(IFLA_IFNAME, text("eth0"))
    assert link_of(payload) == (42, "eth0", True, "")
    assert link_of(payload + attribute(IFLA_IFALIAS, text("podling c1"))).alias == "podling c1"
