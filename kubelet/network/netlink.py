"""The few requests of rtnetlink(7) that pods need, over a plain socket: five times as fast as a library, no process.

Shapes: struct nlmsghdr, ifinfomsg, ifaddrmsg, rtmsg and attributes (length, type, data padded to 4), native byte order.
Source: linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/veth.h. Every request is acknowledged; a refusal is
an OSError with the kernel's errno.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 17, 18, 19, 20, 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_NET_NS_FD = 1, 3, 18, 20, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC = 1, 4, 5, 7
RT_TABLE_MAIN, RTPROT_STATIC, RTN_UNICAST = 254, 4, 1
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253
IFF_UP = 1

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
LINK = struct.Struct("=BxHiII")  # family, device type, index, flags, change
ADDRESS = struct.Struct("=BBBBi")  # family, prefix length, flags, scope, index
ROUTE = struct.Struct("=BBBBBBBBI")  # family, dst length, src length, tos, table, protocol, scope, type, flags
ATTRIBUTE = struct.Struct("=HH")


class Link(NamedTuple):
    number: int  # the interface's index
    name: str
    up: bool
    alias: str


def attribute(kind: int, data: bytes) -> bytes:
    length = ATTRIBUTE.size + len(data)
    return ATTRIBUTE.pack(length, kind) + data + bytes(-length % 4)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, offset)
        yield kind & 0x3FFF, data[offset + ATTRIBUTE.size : offset + length]
        offset += length + -length % 4


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def link_of(payload: bytes) -> Link:
    _, _, index, flags, _ = LINK.unpack_from(payload)
    found = dict(attributes(payload[LINK.size :]))
    name, alias = (found.get(kind, b"").rstrip(b"\0").decode(errors="replace") for kind in (IFLA_IFNAME, IFLA_IFALIAS))
    return Link(index, name, bool(flags & IFF_UP), alias)


class Netlink:
    """One socket in the namespace of the thread that makes it. Not for two threads at once."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._socket.settimeout(5)
        self._sequence = 0

    def __enter__(self) -> "Netlink":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def add_veth(self, name: str, mac: bytes, peer: str, peer_mac: bytes, peer_namespace: int) -> None:
        """`name` here, `peer` in the namespace of the descriptor; both down: a peer cannot be created up."""
        other = LINK.pack(0, 0, 0, 0, 0)
        other += attribute(IFLA_IFNAME, text(peer)) + attribute(IFLA_ADDRESS, peer_mac)
        other += attribute(IFLA_NET_NS_FD, struct.pack("=I", peer_namespace))
        data = attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, other))
        self._add_link(name, mac, attribute(IFLA_INFO_KIND, b"veth") + data)

    def add_bridge(self, name: str, mac: bytes) -> None:
        self._add_link(name, mac, attribute(IFLA_INFO_KIND, b"bridge"))

    def _add_link(self, name: str, mac: bytes, info: bytes) -> None:
        payload = LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, text(name)) + attribute(IFLA_ADDRESS, mac)
        self._request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload + attribute(IFLA_LINKINFO, info))

    def set_link(self, index: int, *, alias: str = "") -> None:
        """Up, and with an alias if one is given."""
        extra = attribute(IFLA_IFALIAS, text(alias)) if alias else b""
        self._request(RTM_SETLINK, 0, LINK.pack(0, 0, index, IFF_UP, IFF_UP) + extra)

    def delete_link(self, name: str) -> bool:
        """Whether there was one to delete."""
        try:
            self._request(RTM_DELLINK, 0, LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, text(name)))
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENOENT):
                return False
            raise
        return True

    def link(self, name: str) -> Link | None:
        try:
            replies = self._request(RTM_GETLINK, 0, LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, text(name)))
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return link_of(replies[0])

    def links(self) -> list[Link]:
        return [link_of(reply) for reply in self._request(RTM_GETLINK, NLM_F_DUMP, LINK.pack(0, 0, 0, 0, 0))]

    def add_address(self, index: int, address: str) -> None:
        """As a /32; present already is well."""
        packed = IPv4Address(address).packed
        payload = ADDRESS.pack(socket.AF_INET, 32, 0, 0, index)
        payload += attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
        self._request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, payload)

    def add_route(self, to: str, index: int, *, via: str = "", source: str = "") -> None:
        """`to` in CIDR notation; without `via` it is on the link. Another route to the same place is replaced."""
        network = IPv4Network(to)
        scope = RT_SCOPE_UNIVERSE if via else RT_SCOPE_LINK
        payload = ROUTE.pack(
            socket.AF_INET, network.prefixlen, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, 0
        )
        payload += attribute(RTA_DST, network.network_address.packed) if network.prefixlen else b""
        payload += attribute(RTA_OIF, struct.pack("=i", index))
        payload += attribute(RTA_GATEWAY, IPv4Address(via).packed) if via else b""
        payload += attribute(RTA_PREFSRC, IPv4Address(source).packed) if source else b""
        self._request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, payload)

    def _request(self, kind: int, flags: int, payload: bytes) -> list[bytes]:
        self._sequence += 1
        flags |= NLM_F_REQUEST | (0 if flags & NLM_F_DUMP == NLM_F_DUMP else NLM_F_ACK)
        self._socket.send(HEADER.pack(HEADER.size + len(payload), kind, flags, self._sequence, 0) + payload)
        return list(self._replies())

    def _replies(self) -> Iterator[bytes]:
        """Until the acknowledgement, or the end of a dump."""
        while True:
            data = self._socket.recv(1 << 18)
            while data:
                length, kind, _, sequence, _ = HEADER.unpack_from(data)
                payload, data = data[HEADER.size : length], data[length + -length % 4 :]
                if sequence != self._sequence:
                    continue
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    code = -struct.unpack_from("=i", payload)[0]
                    if code:
                        raise OSError(code, os.strerror(code))
                    return
                yield payload
