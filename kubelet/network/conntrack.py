"""Forgets flows of datagrams to ports whose pod has changed: the kernel would go on sending a flow where it went
before, as long as it goes on. Connections end with their pod; datagrams have nothing that ends.

A dump of the table and a request to delete for each such flow, over nfnetlink. Source: linux/netfilter/nfnetlink.h,
nfnetlink_conntrack.h: nested attributes of type, tuple, and in network byte order the ports.
"""

import errno
import os
import socket
import struct
from collections.abc import Collection, Iterator

from kubelet.network.netlink import HEADER, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, attribute
from kubelet.network.netlink import attributes as attributes_of

NETLINK_NETFILTER = 12
CT_GET, CT_DELETE = 0x101, 0x102  # of the subsystem 1
NESTED = 0x8000
CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_PROTO_NUM, CTA_PROTO_DST_PORT = 1, 2, 1, 3
GENERAL = struct.pack("!BBH", socket.AF_INET, 0, 0)  # family, version, resource


def forget_datagrams(ports: Collection[int]) -> int:
    """Every UDP flow that began with a packet to one of these ports; how many. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        netlink.settimeout(5)
        flows = [flow for flow in _dump(netlink) if is_datagram_to(flow, ports)]
        return sum(_delete(netlink, number, flow) for number, flow in enumerate(flows, 2))


def is_datagram_to(flow: bytes, ports: Collection[int]) -> bool:
    """`flow` is the tuple of its first packet."""
    protocol = dict(attributes_of(dict(attributes_of(flow)).get(CTA_TUPLE_PROTO, b"")))
    if protocol.get(CTA_PROTO_NUM) != bytes([socket.IPPROTO_UDP]):
        return False
    return int.from_bytes(protocol.get(CTA_PROTO_DST_PORT, b"")) in ports


def _dump(netlink: socket.socket) -> Iterator[bytes]:
    _send(netlink, CT_GET, NLM_F_DUMP, 1, b"")
    while True:
        for kind, payload in _messages(netlink.recv(1 << 18)):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                _raise(payload)
                return
            yield dict(attributes_of(payload[len(GENERAL) :]))[CTA_TUPLE_ORIG]


def _delete(netlink: socket.socket, sequence: int, flow: bytes) -> bool:
    """False: it has ended meanwhile."""
    _send(netlink, CT_DELETE, NLM_F_ACK, sequence, attribute(CTA_TUPLE_ORIG | NESTED, flow))
    try:
        for _, payload in _messages(netlink.recv(1 << 16)):
            _raise(payload)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


def _send(netlink: socket.socket, kind: int, flags: int, sequence: int, payload: bytes) -> None:
    length = HEADER.size + len(GENERAL) + len(payload)
    netlink.send(HEADER.pack(length, kind, flags | NLM_F_REQUEST, sequence, 0) + GENERAL + payload)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, kind, *_ = HEADER.unpack_from(data)
        yield kind, data[HEADER.size : length]
        data = data[length + -length % 4 :]


def _raise(payload: bytes) -> None:
    code = -struct.unpack_from("=i", payload)[0]
    if code:
        raise OSError(code, os.strerror(code))
