"""From HTTP to a stream: which protocol the client wants, and the answer that switches to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.streams.wire import Connection, TakenOver, take_over
from podling.api.errors import BadRequest, Forbidden

SPDY = "SPDY/3.1"
PROTOCOL_HEADER = "X-Stream-Protocol-Version"
MOST_MESSAGE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`protocol` is the one that both sides know; "" where the client names none."""

    spdy: bool
    protocol: str


def wanted_upgrade(http: BaseRequest, spdy: Sequence[str], socket: Sequence[str]) -> Upgrade:
    """Raises where the client asks for no upgrade, or for none that is spoken here."""
    if "upgrade" not in http.headers.get("Connection", "").lower():
        raise BadRequest("Upgrade request required")
    wanted = http.headers.get("Upgrade", "").lower()
    if wanted == SPDY.lower():
        offered = _listed(http.headers.getall(PROTOCOL_HEADER, []))
        return Upgrade(True, _chosen(offered, spdy))
    if wanted == "websocket":
        offered = _listed(http.headers.getall("Sec-WebSocket-Protocol", []))
        return Upgrade(False, _chosen(offered, socket))
    raise BadRequest(f"unable to upgrade: unknown protocol {wanted}")


def _listed(values: Sequence[str]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def _chosen(offered: list[str], spoken: Sequence[str]) -> str:
    """The first that the client offers and we speak."""
    found = next((protocol for protocol in offered if protocol in spoken), None)
    if found is None and offered:
        ours = ", ".join(spoken)
        words = f"unable to negotiate protocol: client supports {offered}, server accepts [{ours}]"
        raise Forbidden(f"unable to upgrade: {words}")
    return found or ""


def open_spdy(http: BaseRequest, upgrade: Upgrade) -> tuple[Connection, web.StreamResponse]:
    """The bare connection, and what the handler must answer when it is done with it."""
    headers = {"Connection": "Upgrade", "Upgrade": SPDY}
    if upgrade.protocol:
        headers[PROTOCOL_HEADER] = upgrade.protocol
    return take_over(http, headers), TakenOver(status=101)


async def open_socket(http: BaseRequest, upgrade: Upgrade) -> web.WebSocketResponse:
    protocols = (upgrade.protocol,) if upgrade.protocol else ()
    socket = web.WebSocketResponse(protocols=protocols, compress=False, max_msg_size=MOST_MESSAGE_BYTES)
    await socket.prepare(http)
    return socket
