"""The API server as pods reach it: at an address of the pods' own range, beside the loopback that everybody else uses.

The address appears with the first kubelet, or with the engine's network, which may both be later than us: the socket
is bound to it all the same. A machine of the LAN that routes to it is hung up on: only pods and this machine itself,
which speaks from the address too, have a source in the range. Why: docs/decisions/0011-pods-reach-the-api.md.
"""

import asyncio
import ipaddress
import socket
from typing import Any

from aiohttp import web

IP_FREEBIND = 15  # linux/in.h; Python has no name for it


def listen(address: str, port: int) -> socket.socket:
    """Bound, though no device may have the address yet."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    found.bind((address, port))
    return found


class Server(web.Server):
    """Hangs up on strangers who come by the pods' address."""

    _address = ""
    _pods = ipaddress.IPv4Network("0.0.0.0/32")

    def admit_pods(self, address: str, pod_cidr: str) -> None:
        self._address, self._pods = address, ipaddress.IPv4Network(pod_cidr)

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        here, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        if here and here[0] == self._address and not (peer and ipaddress.ip_address(peer[0]) in self._pods):
            transport.abort()
